// The backend as the engine sees it, from its shared object, with the real framework.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "backends/load_library.h"
#include "backends/openvino/ir_text.h"
#include "backends/test_support.h"

namespace sarai::backends {
namespace {

using namespace testing;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

TensorSpec Spec(std::string name, DataType type, Shape dims) {
  return {.name = std::move(name), .type = type, .dims = std::move(dims)};
}
TensorSpec X(Shape dims = {4}) { return Spec("x", DataType::kFp32, std::move(dims)); }
TensorSpec Y(Shape dims = {2}) { return Spec("y", DataType::kFp32, std::move(dims)); }

// OpenVINO computes whole numbers of 64 bits in 32.
Tensor ComputableSample(DataType type) {
  if (type != DataType::kInt64 && type != DataType::kUint64) return SampleTensor("x", type);
  Tensor tensor = Ints("x", {2, 3}, {0, 1, 2, 3, 1000000, 2147483647});
  tensor.type = type;
  return tensor;
}

// y = x * w, of w [4,2]: the sum of a row, and its last element.
const std::vector<float> kWeights = {1, 0, 1, 0, 1, 0, 1, 1};

class Openvino : public ::testing::Test {
 protected:
  Openvino()
      : folder_(fs::path(::testing::TempDir()) /
                ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  Backend* backend() { return SharedBackend("openvino"); }
  std::unique_ptr<BackendModel> Load(const ModelSpec& spec) { return LoadModel(backend(), spec); }
  Status LoadError(const ModelSpec& spec) {
    auto model = backend()->Load(spec);
    return model ? (*model)->Prepare(spec) : model.error();
  }
  std::string Write(const std::string& name, std::string_view bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  // The linear model above with `batch` as its first dimension: "-1" or a number.
  std::string WriteIr(const std::string& batch, const std::vector<float>& weights = kWeights) {
    Write("model.bin", {reinterpret_cast<const char*>(weights.data()), weights.size() * 4});
    return Write("model.xml", LinearIr(batch, 4, 2));
  }

  const fs::path folder_;
};

TEST_F(Openvino, NamesItselfAndItsVersion) {
  EXPECT_EQ(backend()->name(), "openvino");
  EXPECT_TRUE(backend()->runtime_version().starts_with("20")) << backend()->runtime_version();
}

TEST_F(Openvino, RunsItsOwnFormat) {
  auto model = Load(MakeSpec(WriteIr("-1"), {X()}, {Y()}, 8));
  ASSERT_NE(model, nullptr);
  EXPECT_TRUE(model->signature().first_dim_variable);
  const Tensor out = RunOne(*model, {Floats("x", {2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})});
  EXPECT_EQ(out.name, "y");
  EXPECT_EQ(out.shape, (Shape{2, 2}));
  EXPECT_EQ(Values<float>(out), (std::vector<float>{10, 4, 26, 8}));
}

TEST_F(Openvino, RoundTripsEveryType) {
  for (const TypeCase& c : AllTypes()) {
    if (c.type == DataType::kBytes) continue;
    SCOPED_TRACE(c.file);
    auto model = Load(MakeSpec(OnnxModel("identity_" + c.file), {Spec("x", c.type, {3})},
                               {Spec("y", c.type, {3})}, 8));
    ASSERT_NE(model, nullptr);
    const Tensor in = ComputableSample(c.type);
    const Tensor out = RunOne(*model, {in});
    EXPECT_EQ(out.name, "y");
    EXPECT_EQ(out.type, c.type);
    EXPECT_EQ(out.shape, in.shape);
    EXPECT_EQ(out.data.text(), in.data.text());
  }
}

TEST_F(Openvino, RefusesStrings) {
  const Status error = LoadError(MakeSpec(OnnxModel("identity_bytes"), {}, {}));
  EXPECT_EQ(error.code(), Code::kUnimplemented);
  EXPECT_THAT(error.message(), HasSubstr("string"));
}

TEST_F(Openvino, ReadsTheSignatureFromTheModel) {
  const auto model = backend()->Load(MakeSpec(WriteIr("-1"), {}, {}));
  ASSERT_TRUE(model);
  const Signature& signature = (*model)->signature();
  ASSERT_EQ(signature.inputs.size(), 1u);
  EXPECT_EQ(signature.inputs[0].name, "x");
  EXPECT_EQ(signature.inputs[0].type, DataType::kFp32);
  EXPECT_EQ(signature.inputs[0].dims, (Shape{-1, 4}));
  ASSERT_EQ(signature.outputs.size(), 1u);
  EXPECT_EQ(signature.outputs[0].name, "y");
  EXPECT_EQ(signature.outputs[0].dims, (Shape{-1, 2}));
}

TEST_F(Openvino, OpensTheBatchDimensionOfAModelThatWasSavedForOne) {
  auto model = Load(MakeSpec(WriteIr("1"), {X()}, {Y()}, 8));
  ASSERT_NE(model, nullptr);
  for (const int64_t batch : {1, 3, 2}) {
    const std::vector<float> rows(static_cast<size_t>(batch) * 4, 2.0F);
    const Tensor out = RunOne(*model, {Floats("x", {batch, 4}, rows)});
    EXPECT_EQ(out.shape, (Shape{batch, 2}));
    EXPECT_EQ(Values<float>(out).back(), 2);
  }
}

TEST_F(Openvino, FillsSmallerBatchesUpWhereTheBatchSizeIsFixed) {
  ModelSpec spec = MakeSpec(WriteIr("-1"), {X()}, {Y()}, 4);
  spec.parameters = {{"SKIP_OV_DYNAMIC_BATCHSIZE", "YES"}};
  const Tensor two = Floats("x", {2, 4}, {1, 1, 1, 1, 2, 2, 2, 2});
  auto strict = Load(spec);
  ASSERT_NE(strict, nullptr);
  const auto refused = strict->Execute({two}, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr("ENABLE_BATCH_PADDING"));

  spec.parameters["ENABLE_BATCH_PADDING"] = "YES";
  auto padding = Load(spec);
  ASSERT_NE(padding, nullptr);
  const Tensor out = RunOne(*padding, {two});
  EXPECT_EQ(out.shape, (Shape{2, 2}));
  EXPECT_EQ(Values<float>(out), (std::vector<float>{4, 1, 8, 2}));
}

TEST_F(Openvino, GivesTheModelTheShapesOfTheConfigOnRequest) {
  ModelSpec spec = MakeSpec(OnnxModel("identity_fixed"), {X({-1})}, {Y({-1})});
  EXPECT_EQ(LoadError(spec).code(), Code::kInvalidArgument);
  spec.parameters = {{"RESHAPE_IO_LAYERS", "YES"}};
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {2}, {1, 2})})), (std::vector<float>{1, 2}));
}

TEST_F(Openvino, ConvertsToTheTypesOfTheConfig) {
  auto model = Load(MakeSpec(WriteIr("-1"), {Spec("x", DataType::kInt32, {4})},
                             {Spec("y", DataType::kFp64, {2})}, 8));
  ASSERT_NE(model, nullptr);
  const Tensor out =
      RunOne(*model, {MakeTensor<int32_t>("x", DataType::kInt32, {1, 4}, {1, 2, 3, 4})});
  EXPECT_EQ(Values<double>(out), (std::vector<double>{10, 4}));
}

// 1 + 2^-10 has no bfloat16.
TEST_F(Openvino, ComputesInFullPrecisionUnlessToldOtherwise) {
  const float fine = 1.0F + 1.0F / 1024;
  ModelSpec spec = MakeSpec(WriteIr("-1"), {X()}, {Y()}, 8);
  const Tensor in = Floats("x", {1, 4}, {fine, fine, fine, fine});
  auto exact = Load(spec);
  ASSERT_NE(exact, nullptr);
  EXPECT_EQ(Values<float>(RunOne(*exact, {in})), (std::vector<float>{4 * fine, fine}));
  spec.parameters = {{"HINT_BF16", "YES"}};
  auto coarse = Load(spec);
  ASSERT_NE(coarse, nullptr);
  EXPECT_NEAR(Values<float>(RunOne(*coarse, {in}))[0], 4, 0.05);
}

TEST_F(Openvino, NamesWhatIsWrongWithAFile) {
  EXPECT_EQ(LoadError(MakeSpec(folder_ / "absent.xml", {}, {})).code(), Code::kNotFound);
  for (const char* name : {"model.xml", "model.onnx"}) {
    const Status error = LoadError(MakeSpec(Write(name, "this is no model"), {}, {}));
    EXPECT_EQ(error.code(), Code::kDataLoss) << name;
    EXPECT_THAT(error.message(), HasSubstr("OpenVINO"));
  }
  const std::string path = WriteIr("-1");
  fs::resize_file(folder_ / "model.bin", 12);
  EXPECT_EQ(LoadError(MakeSpec(path, {X()}, {Y()}, 8)).code(), Code::kDataLoss);
}

TEST_F(Openvino, RefusesWhatTheModelDoesNotHave) {
  const std::string path = WriteIr("-1");
  const ModelSpec cases[] = {
      MakeSpec(path, {X({5})}, {Y()}, 8),
      MakeSpec(path, {Spec("z", DataType::kFp32, {4})}, {Y()}, 8),
      MakeSpec(path, {X()}, {Spec("z", DataType::kFp32, {2})}, 8),
      MakeSpec(path, {X(), Spec("z", DataType::kFp32, {2})}, {Y()}, 8),
  };
  for (const ModelSpec& spec : cases)
    EXPECT_EQ(LoadError(spec).code(), Code::kInvalidArgument) << LoadError(spec).ToString();
}

TEST_F(Openvino, RefusesParametersThatMakeNoSense) {
  const std::string path = WriteIr("-1");
  const std::pair<const char*, const char*> cases[] = {
      {"PERFORMANCE_HINT", "FAST"},        {"NUM_STREAMS", "many"},
      {"INFERENCE_NUM_THREADS", "-1"},     {"HINT_BF16", "perhaps"},
      {"TARGET_DEVICE", "TOASTER"},        {"CPU_EXTENSION_PATH", "/nowhere/lib.so"},
      {"INFERENCE_PRECISION_HINT", "int3"}};
  for (const auto& [name, value] : cases) {
    ModelSpec spec = MakeSpec(path, {X()}, {Y()}, 8);
    spec.parameters[name] = value;
    const Status error = LoadError(spec);
    EXPECT_EQ(error.code(), Code::kInvalidArgument) << name;
    EXPECT_THAT(error.message(), HasSubstr(name));
    EXPECT_THAT(error.message(), HasSubstr(value));
  }
}

TEST_F(Openvino, TakesEveryParameterOfTritons) {
  ModelSpec spec = MakeSpec(WriteIr("-1"), {X()}, {Y()}, 8);
  spec.parameters = {{"PERFORMANCE_HINT", "THROUGHPUT"}, {"NUM_STREAMS", "AUTO"},
                     {"INFERENCE_NUM_THREADS", "1"},     {"COMPILATION_NUM_THREADS", "1"},
                     {"TARGET_DEVICE", "CPU"},           {"SKIP_OV_DYNAMIC_BATCHSIZE", "NO"}};
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1, 4}, {1, 1, 1, 1})}))[0], 4);
}

TEST_F(Openvino, SaysWhichInputsItCannotRun) {
  auto model = Load(MakeSpec(WriteIr("-1"), {X({-1})}, {Y()}, 8));
  ASSERT_NE(model, nullptr);
  const auto out = model->Execute({Floats("x", {1, 3}, {1, 2, 3})}, {});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), Code::kInvalidArgument);
  EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1, 4}, {1, 1, 1, 1})}))[0], 4);
}

TEST_F(Openvino, RunsSideBySide) {
  ModelSpec spec = MakeSpec(WriteIr("-1"), {X()}, {Y()}, 8);
  spec.instance_count = 4;
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  ExpectRightAnswersSideBySide(*model, 4);
}

TEST_F(Openvino, OutputsOutliveTheirRunAndTheirModel) {
  auto model = Load(MakeSpec(WriteIr("-1"), {X()}, {Y()}, 8));
  ASSERT_NE(model, nullptr);
  const Tensor first = RunOne(*model, {Floats("x", {1, 4}, {1, 1, 1, 1})});
  const Tensor second = RunOne(*model, {Floats("x", {1, 4}, {2, 2, 2, 2})});
  model.reset();
  EXPECT_EQ(Values<float>(first)[0], 4);
  EXPECT_EQ(Values<float>(second)[0], 8);
}

TEST_F(Openvino, CountsTheMemoryOfWhatItCompiled) {
  constexpr size_t kSide = 1024;
  Write("model.bin", std::string(kSide * kSide * 4, '\1'));
  const std::string path = Write("model.xml", LinearIr("-1", kSide, kSide));
  auto model = Load(MakeSpec(path, {X({kSide})}, {Y({kSide})}, 8));
  ASSERT_NE(model, nullptr);
  RunOne(*model, {Floats("x", {1, kSide}, std::vector<float>(kSide, 1))});
  EXPECT_GT(model->memory_bytes(), 0u);
  EXPECT_LT(model->memory_bytes(), 64u << 20);
}

class OpenvinoCache : public Openvino {
 protected:
  OpenvinoCache() {
    BackendOptions options;
    options.settings["cache_directory"] = Kept();
    auto loaded = LoadBackendLibrary(BackendLibrary("openvino"), options);
    if (loaded) caching_ = *std::move(loaded);
  }
  std::string Kept() const { return folder_ / "kept"; }
  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(Kept())) files.push_back(entry.path());
    return files;
  }
  float FirstOf(const ModelSpec& spec) {
    auto model = LoadModel(caching_.get(), spec);
    return model == nullptr ? -1
                            : Values<float>(RunOne(*model, {Floats("x", {1, 4}, {1, 1, 1, 1})}))[0];
  }

  std::unique_ptr<Backend> caching_;
};

TEST_F(OpenvinoCache, KeepsCompiledModelsByTheirContentsAndSettings) {
  ModelSpec spec = MakeSpec(WriteIr("-1"), {X()}, {Y()}, 8);
  EXPECT_EQ(FirstOf(spec), 4);
  ASSERT_EQ(Files().size(), 1u);
  EXPECT_EQ(FirstOf(spec), 4);
  EXPECT_EQ(Files().size(), 1u);
  WriteIr("-1", {2, 0, 2, 0, 2, 0, 2, 2});
  EXPECT_EQ(FirstOf(spec), 8);
  EXPECT_EQ(Files().size(), 2u);
  spec.parameters["HINT_BF16"] = "YES";
  EXPECT_EQ(FirstOf(spec), 8);
  EXPECT_EQ(Files().size(), 3u);
}

TEST_F(OpenvinoCache, CompilesAgainWhenWhatItKeptIsDamaged) {
  const ModelSpec spec = MakeSpec(WriteIr("-1"), {X()}, {Y()}, 8);
  EXPECT_EQ(FirstOf(spec), 4);
  ASSERT_EQ(Files().size(), 1u);
  const fs::path file = Files()[0];
  const auto size = fs::file_size(file);
  fs::resize_file(file, size / 2);
  EXPECT_EQ(FirstOf(spec), 4);
  EXPECT_GT(fs::file_size(file), size * 3 / 4);
  {
    std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(size / 2));
    bytes.put('\x7f').put('\x01').put('\x55');
  }
  EXPECT_EQ(FirstOf(spec), 4);
  EXPECT_EQ(FirstOf(spec), 4);
}

}  // namespace
}  // namespace sarai::backends
