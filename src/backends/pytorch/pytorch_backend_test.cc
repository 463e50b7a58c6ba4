// The backend as the engine sees it, from its shared object, with the real framework.

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "backends/test_support.h"

namespace sarai::backends {
namespace {

using namespace testing;

TensorSpec Spec(std::string name, DataType type, Shape dims) {
  return {.name = std::move(name), .type = type, .dims = std::move(dims)};
}

class Pytorch : public ::testing::Test {
 protected:
  Backend* backend() { return SharedBackend("pytorch"); }
  std::unique_ptr<BackendModel> Load(const ModelSpec& spec) { return LoadModel(backend(), spec); }
  Status PrepareError(const ModelSpec& spec) {
    auto model = backend()->Load(spec);
    return model ? (*model)->Prepare(spec) : model.error();
  }
  Status LoadError(const std::string& path) {
    const auto model = backend()->Load(MakeSpec(path, {}, {}));
    return model ? Status() : model.error();
  }
};

TEST_F(Pytorch, NamesItselfAndItsVersion) {
  EXPECT_EQ(backend()->name(), "pytorch");
  EXPECT_TRUE(backend()->runtime_version().starts_with("2.")) << backend()->runtime_version();
}

TEST_F(Pytorch, RoundTripsEveryTensorType) {
  for (const TypeCase& c : AllTypes()) {
    if (c.type == DataType::kBytes) continue;
    SCOPED_TRACE(c.file);
    auto model = Load(MakeSpec(ScriptModel("identity"), {Spec("INPUT__0", c.type, {3})},
                               {Spec("OUTPUT__0", c.type, {3})}, 8));
    ASSERT_NE(model, nullptr);
    const Tensor in = SampleTensor("INPUT__0", c.type);
    const Tensor out = RunOne(*model, {in});
    EXPECT_EQ(out.name, "OUTPUT__0");
    EXPECT_EQ(out.type, c.type);
    EXPECT_EQ(out.shape, in.shape);
    EXPECT_EQ(out.data.text(), in.data.text());
  }
}

TEST_F(Pytorch, KnowsNoSignature) {
  const auto model = backend()->Load(MakeSpec(ScriptModel("identity"), {}, {}));
  ASSERT_TRUE(model);
  EXPECT_TRUE((*model)->signature().inputs.empty());
  EXPECT_TRUE((*model)->signature().outputs.empty());
}

TEST_F(Pytorch, MapsInputsByArgumentNameByIndexAndByOrder) {
  for (const auto& [left, right] : {std::pair("left", "right"), std::pair("A__0", "B__1"),
                                    std::pair("minuend", "subtrahend")}) {
    SCOPED_TRACE(left);
    auto model = Load(
        MakeSpec(ScriptModel("sum_and_difference"),
                 {Spec(left, DataType::kFp32, {2}), Spec(right, DataType::kFp32, {2})},
                 {Spec("sum", DataType::kFp32, {2}), Spec("difference", DataType::kFp32, {2})}, 8));
    ASSERT_NE(model, nullptr);
    const auto out = model->Execute({Floats(right, {1, 2}, {1, 1}), Floats(left, {1, 2}, {3, 4})},
                                    {.outputs = {"difference"}});
    ASSERT_TRUE(out) << out.error().ToString();
    EXPECT_EQ(Values<float>(out->front()), (std::vector<float>{2, 3}));
  }
}

TEST_F(Pytorch, MapsOutputsByIndex) {
  auto model = Load(MakeSpec(
      ScriptModel("sum_and_difference"),
      {Spec("left", DataType::kFp32, {1}), Spec("right", DataType::kFp32, {1})},
      {Spec("OUTPUT__1", DataType::kFp32, {1}), Spec("OUTPUT__0", DataType::kFp32, {1})}, 8));
  ASSERT_NE(model, nullptr);
  const auto out = model->Execute({Floats("left", {1, 1}, {5}), Floats("right", {1, 1}, {3})}, {});
  ASSERT_TRUE(out);
  EXPECT_EQ(Values<float>((*out)[0]), std::vector<float>{2});
  EXPECT_EQ(Values<float>((*out)[1]), std::vector<float>{8});
}

TEST_F(Pytorch, FillsInDefaultArguments) {
  const auto x = Spec("x", DataType::kFp32, {1});
  auto scale = Spec("scale", DataType::kFp64, {1});
  scale.optional = true;
  const auto y = Spec("y", DataType::kFp32, {1});
  auto model = Load(MakeSpec(ScriptModel("optional_scale"), {x, scale}, {y}));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1}, {3})})), std::vector<float>{6});
  const Tensor five = MakeTensor<double>("scale", DataType::kFp64, {1}, {5});
  EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1}, {3}), five})), std::vector<float>{15});
}

TEST_F(Pytorch, TakesStringsAsLists) {
  const auto plain = MakeSpec(ScriptModel("upper_strings"), {Spec("texts", DataType::kBytes, {-1})},
                              {Spec("upper", DataType::kBytes, {-1})});
  auto model = Load(plain);
  ASSERT_NE(model, nullptr);
  const Tensor out = RunOne(*model, {Strings("texts", {3}, {"a", "", "bc"})});
  EXPECT_EQ(out.shape, Shape{3});
  EXPECT_EQ(StringValues(out), (std::vector<std::string>{"A", "", "BC"}));

  auto batching =
      Load(MakeSpec(ScriptModel("upper_strings"), {Spec("texts", DataType::kBytes, {1})},
                    {Spec("upper", DataType::kBytes, {1})}, 8));
  ASSERT_NE(batching, nullptr);
  EXPECT_EQ(RunOne(*batching, {Strings("texts", {2, 1}, {"x", "y"})}).shape, (Shape{2, 1}));
}

TEST_F(Pytorch, TakesAndGivesDictionaries) {
  auto model =
      Load(MakeSpec(ScriptModel("dictionaries"),
                    {Spec("a", DataType::kFp32, {1}), Spec("b", DataType::kFp32, {1})},
                    {Spec("product", DataType::kFp32, {1}), Spec("sum", DataType::kFp32, {1})}));
  ASSERT_NE(model, nullptr);
  const auto out = model->Execute({Floats("a", {1}, {3}), Floats("b", {1}, {4})}, {});
  ASSERT_TRUE(out) << out.error().ToString();
  EXPECT_EQ(Values<float>((*out)[0]), std::vector<float>{12});
  EXPECT_EQ(Values<float>((*out)[1]), std::vector<float>{7});
}

TEST_F(Pytorch, TakesListsOfTensorsApart) {
  auto model =
      Load(MakeSpec(ScriptModel("tensor_list"), {Spec("x", DataType::kFp32, {1})},
                    {Spec("same", DataType::kFp32, {1}), Spec("twice", DataType::kFp32, {1})}));
  ASSERT_NE(model, nullptr);
  const auto out = model->Execute({Floats("x", {1}, {3})}, {});
  ASSERT_TRUE(out) << out.error().ToString();
  EXPECT_EQ(Values<float>((*out)[0]), std::vector<float>{3});
  EXPECT_EQ(Values<float>((*out)[1]), std::vector<float>{6});
}

TEST_F(Pytorch, ConvertsScalarsToTheTypesOfTheConfig) {
  auto model =
      Load(MakeSpec(ScriptModel("scalars"),
                    {Spec("n", DataType::kInt32, {1}), Spec("flags", DataType::kBool, {-1})},
                    {Spec("next", DataType::kInt64, {}), Spec("halves", DataType::kFp32, {-1}),
                     Spec("text", DataType::kBytes, {1}), Spec("same", DataType::kBool, {-1})}));
  ASSERT_NE(model, nullptr);
  const auto out = model->Execute({MakeTensor<int32_t>("n", DataType::kInt32, {1}, {3}),
                                   MakeTensor<uint8_t>("flags", DataType::kBool, {2}, {1, 0})},
                                  {});
  ASSERT_TRUE(out) << out.error().ToString();
  EXPECT_EQ(Values<int64_t>((*out)[0]), std::vector<int64_t>{4});
  EXPECT_EQ(Values<float>((*out)[1]), (std::vector<float>{0, 0.5, 1}));
  EXPECT_EQ(StringValues((*out)[2]), std::vector<std::string>{"3"});
  EXPECT_EQ(Values<uint8_t>((*out)[3]), (std::vector<uint8_t>{1, 0}));
}

TEST_F(Pytorch, LeavesTheCallersBytesAsTheyAre) {
  auto model = Load(MakeSpec(ScriptModel("in_place"), {Spec("x", DataType::kFp32, {2})},
                             {Spec("y", DataType::kFp32, {2})}));
  ASSERT_NE(model, nullptr);
  const Tensor in = Floats("x", {2}, {1, 2});
  EXPECT_EQ(Values<float>(RunOne(*model, {in})), (std::vector<float>{2, 3}));
  EXPECT_EQ(Values<float>(in), (std::vector<float>{1, 2}));
}

TEST_F(Pytorch, KeepsAnInputAliveThatIsAnOutput) {
  auto model = Load(MakeSpec(ScriptModel("pass_through"), {Spec("x", DataType::kFp32, {2})},
                             {Spec("y", DataType::kFp32, {2})}));
  ASSERT_NE(model, nullptr);
  const Tensor out = RunOne(*model, {Floats("x", {2}, {1, 2})});
  model.reset();
  EXPECT_EQ(Values<float>(out), (std::vector<float>{1, 2}));
}

TEST_F(Pytorch, ServesEmptyTensorsAndReshapes) {
  auto spec = MakeSpec(ScriptModel("identity"), {Spec("x", DataType::kFp32, {-1})},
                       {Spec("y", DataType::kFp32, {-1})}, 8);
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(RunOne(*model, {Floats("x", {2, 0}, {})}).shape, (Shape{2, 0}));
  spec.reshape["x"] = {-1, 2};
  auto reshaping = Load(spec);
  ASSERT_NE(reshaping, nullptr);
  EXPECT_EQ(RunOne(*reshaping, {Floats("x", {1, 4}, {1, 2, 3, 4})}).shape, (Shape{1, 2, 2}));
}

TEST_F(Pytorch, MeasuresWeightsAndGivesThemBack) {
  for (const char* freeze : {"false", "true"}) {
    auto spec = MakeSpec(ScriptModel("weights"), {Spec("x", DataType::kFp32, {1024})},
                         {Spec("y", DataType::kFp32, {1024})}, 8);
    spec.parameters["FREEZE"] = freeze;
    auto model = Load(spec);
    ASSERT_NE(model, nullptr);
    constexpr uint64_t kWeight = 4 << 20;
    const uint64_t loaded = model->memory_bytes();
    EXPECT_GE(loaded, kWeight);
    EXPECT_LE(loaded, kWeight + (1 << 20));
    const std::vector<Tensor> in = {Floats("x", {1, 1024}, std::vector<float>(1024, 1))};
    for (int i = 0; i < 3; ++i) {
      const Tensor out = RunOne(*model, in);
      EXPECT_GT(model->memory_bytes(), loaded);
    }
    EXPECT_EQ(model->memory_bytes(), loaded);
  }
}

TEST_F(Pytorch, RunsOneModelFromSeveralThreads) {
  auto model = Load(MakeSpec(ScriptModel("optional_scale"), {Spec("x", DataType::kFp32, {4})},
                             {Spec("y", DataType::kFp32, {4})}));
  ASSERT_NE(model, nullptr);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const auto value = static_cast<float>(t);
      for (int i = 0; i < 100; ++i) {
        const auto out = model->Execute({Floats("x", {4}, std::vector<float>(4, value))}, {});
        if (!out || Values<float>(out->front()) != std::vector<float>(4, 2 * value)) ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Pytorch, TellsCorruptModelsFromMissingOnes) {
  EXPECT_EQ(LoadError("/nowhere/model.pt").code(), Code::kNotFound);
  const std::string path = ::testing::TempDir() + "bad.pt";
  std::ofstream(path) << "this is no model";
  EXPECT_EQ(LoadError(path).code(), Code::kDataLoss);
  std::ifstream whole(ScriptModel("weights"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(whole), {}};
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes.substr(0, bytes.size() / 2);
  EXPECT_EQ(LoadError(path).code(), Code::kDataLoss);
  EXPECT_EQ(LoadError(ScriptModel("without_forward")).code(), Code::kDataLoss);
}

TEST_F(Pytorch, ChecksTheConfigAgainstForward) {
  const auto out = Spec("y", DataType::kFp32, {1});
  const auto message = [&](const char* model, std::vector<TensorSpec> inputs) {
    const Status status = PrepareError(MakeSpec(ScriptModel(model), std::move(inputs), {out}));
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.ToString();
    return status.message();
  };
  EXPECT_NE(message("sum_and_difference", {Spec("left", DataType::kFp32, {1})}).find("'right'"),
            std::string::npos);
  EXPECT_NE(message("identity", {Spec("INPUT__3", DataType::kFp32, {1})}).find("INPUT__3"),
            std::string::npos);
  EXPECT_NE(message("identity", {Spec("x", DataType::kBytes, {1})}).find("takes numbers"),
            std::string::npos);
  EXPECT_NE(message("upper_strings", {Spec("x", DataType::kBytes, {2, 2})}).find("lists only"),
            std::string::npos);
}

TEST_F(Pytorch, SaysWhatIsWrongWithARun) {
  const auto x = Spec("x", DataType::kFp32, {-1});
  auto wrong_type =
      Load(MakeSpec(ScriptModel("identity"), {x}, {Spec("y", DataType::kInt8, {-1})}));
  ASSERT_NE(wrong_type, nullptr);
  auto out = wrong_type->Execute({Floats("x", {1}, {1})}, {});
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().message().find("returns FP32 for output 'y'"), std::string::npos);

  auto raising = Load(MakeSpec(ScriptModel("raises"), {x}, {Spec("y", DataType::kFp32, {-1})}));
  ASSERT_NE(raising, nullptr);
  out = raising->Execute({Floats("x", {1}, {1})}, {});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), Code::kInvalidArgument);
  EXPECT_NE(out.error().message().find("the sum is positive"), std::string::npos);
  EXPECT_TRUE(raising->Execute({Floats("x", {1}, {-1})}, {}));

  auto allocating = Load(MakeSpec(ScriptModel("allocate"), {Spec("n", DataType::kInt64, {1})},
                                  {Spec("y", DataType::kFp32, {-1})}));
  ASSERT_NE(allocating, nullptr);
  EXPECT_EQ(RunOne(*allocating, {Ints("n", {1}, {5})}).shape, Shape{5});
  out = allocating->Execute({Ints("n", {1}, {int64_t{1} << 50})}, {});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), Code::kResourceExhausted) << out.error().ToString();
}

TEST_F(Pytorch, ObeysItsParameters) {
  auto spec = MakeSpec(ScriptModel("identity"), {Spec("x", DataType::kFp32, {1})},
                       {Spec("y", DataType::kFp32, {1})});
  spec.parameters = {{"INFERENCE_MODE", "false"},
                     {"DISABLE_OPTIMIZED_EXECUTION", "true"},
                     {"INTRA_OP_THREAD_COUNT", "1"},
                     {"anything", "goes"}};
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1}, {3})})), std::vector<float>{3});
  spec.parameters = {{"INFERENCE_MODE", "perhaps"}};
  EXPECT_EQ(PrepareError(spec).code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace sarai::backends
