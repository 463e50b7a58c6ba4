// The backend as the engine sees it, from its shared object, with the real framework.

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <thread>

#include "backends/load_library.h"
#include "backends/test_support.h"

namespace sarai::backends {
namespace {

using namespace testing;

const TensorSpec kX{.name = "x", .type = DataType::kFp32, .dims = {4}};
const TensorSpec kY{.name = "y", .type = DataType::kFp32, .dims = {4}};

class OnnxRuntime : public ::testing::Test {
 protected:
  Backend* backend() { return SharedBackend("onnxruntime"); }
  std::unique_ptr<BackendModel> Load(const ModelSpec& spec) { return LoadModel(backend(), spec); }

  Status LoadError(const std::string& path) {
    const auto model = backend()->Load(MakeSpec(path, {}, {}));
    return model ? Status() : model.error();
  }
  std::string WriteFile(const std::string& name, const std::string& text) {
    const std::string path = ::testing::TempDir() + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
};

TEST_F(OnnxRuntime, NamesItselfAndItsVersion) {
  EXPECT_EQ(backend()->name(), "onnxruntime");
  EXPECT_TRUE(backend()->runtime_version().starts_with("1.")) << backend()->runtime_version();
  EXPECT_TRUE(backend()->process_ids().empty());
}

TEST_F(OnnxRuntime, RoundTripsEveryType) {
  for (const TypeCase& c : AllTypes()) {
    SCOPED_TRACE(c.file);
    const Shape dims = {3};
    auto model = Load(MakeSpec(OnnxModel("identity_" + c.file),
                               {{.name = "x", .type = c.type, .dims = dims}},
                               {{.name = "y", .type = c.type, .dims = dims}}, 8));
    ASSERT_NE(model, nullptr);
    const Tensor in = SampleTensor("x", c.type);
    const Tensor out = RunOne(*model, {in});
    EXPECT_EQ(out.name, "y");
    EXPECT_EQ(out.type, c.type);
    EXPECT_EQ(out.shape, in.shape);
    EXPECT_EQ(out.data.text(), in.data.text());
  }
}

TEST_F(OnnxRuntime, ReadsTheSignatureFromTheModel) {
  const auto model = backend()->Load(MakeSpec(OnnxModel("sum_and_difference"), {}, {}));
  ASSERT_TRUE(model) << model.error().ToString();
  const Signature& signature = (*model)->signature();
  ASSERT_EQ(signature.inputs.size(), 2u);
  EXPECT_EQ(signature.inputs[0].name, "left");
  EXPECT_EQ(signature.inputs[1].name, "right");
  EXPECT_EQ(signature.inputs[0].type, DataType::kFp32);
  EXPECT_EQ(signature.inputs[0].dims, (Shape{-1, 4}));
  ASSERT_EQ(signature.outputs.size(), 2u);
  EXPECT_EQ(signature.outputs[1].name, "difference");
  EXPECT_TRUE(signature.first_dim_variable);
}

TEST_F(OnnxRuntime, SaysThatFixedShapesDoNotBatch) {
  const auto model = backend()->Load(MakeSpec(OnnxModel("identity_fixed"), {}, {}));
  ASSERT_TRUE(model);
  EXPECT_EQ((*model)->signature().inputs[0].dims, (Shape{2, 3}));
  EXPECT_FALSE((*model)->signature().first_dim_variable);
}

TEST_F(OnnxRuntime, ReturnsOnlyTheOutputsAskedFor) {
  const Shape dims = {4};
  auto model = Load(MakeSpec(OnnxModel("sum_and_difference"),
                             {{.name = "left", .type = DataType::kFp32, .dims = dims},
                              {.name = "right", .type = DataType::kFp32, .dims = dims}},
                             {{.name = "sum", .type = DataType::kFp32, .dims = dims},
                              {.name = "difference", .type = DataType::kFp32, .dims = dims}},
                             8));
  ASSERT_NE(model, nullptr);
  // Inputs come in any order.
  const std::vector<Tensor> inputs = {Floats("right", {1, 4}, {1, 1, 1, 1}),
                                      Floats("left", {1, 4}, {1, 2, 3, 4})};
  const auto all = model->Execute(inputs, {});
  ASSERT_TRUE(all) << all.error().ToString();
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].name, "sum");
  const auto one = model->Execute(inputs, {.outputs = {"difference"}});
  ASSERT_TRUE(one);
  ASSERT_EQ(one->size(), 1u);
  EXPECT_EQ(Values<float>(one->front()), (std::vector<float>{0, 1, 2, 3}));
  const auto unknown = model->Execute(inputs, {.outputs = {"quotient"}});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code(), Code::kInvalidArgument) << unknown.error().ToString();
}

TEST_F(OnnxRuntime, TreatsInputsWithInitialisersAsOptional) {
  const TensorSpec bias{.name = "bias", .type = DataType::kFp32, .dims = {4}, .optional = true};
  const auto loaded = backend()->Load(MakeSpec(OnnxModel("optional_bias"), {}, {}));
  ASSERT_TRUE(loaded);
  ASSERT_EQ((*loaded)->signature().inputs.size(), 2u);
  EXPECT_FALSE((*loaded)->signature().inputs[0].optional);
  EXPECT_TRUE((*loaded)->signature().inputs[1].optional);
  auto spec = MakeSpec(OnnxModel("optional_bias"),
                       {{.name = "x", .type = DataType::kFp32, .dims = {-1, 4}}, bias},
                       {{.name = "y", .type = DataType::kFp32, .dims = {-1, 4}}});
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  const Tensor x = Floats("x", {1, 4}, {0, 0, 0, 0});
  EXPECT_EQ(Values<float>(RunOne(*model, {x})), (std::vector<float>{1, 2, 3, 4}));
  const Tensor given = Floats("bias", {4}, {5, 6, 7, 8});
  EXPECT_EQ(Values<float>(RunOne(*model, {x, given})), (std::vector<float>{5, 6, 7, 8}));
}

TEST_F(OnnxRuntime, ServesScalarsAndEmptyTensors) {
  const auto scalar =
      MakeSpec(OnnxModel("identity_scalar"), {{.name = "x", .type = DataType::kFp32, .dims = {}}},
               {{.name = "y", .type = DataType::kFp32, .dims = {}}});
  auto model = Load(scalar);
  ASSERT_NE(model, nullptr);
  const Tensor out = RunOne(*model, {Floats("x", {}, {2.5})});
  EXPECT_TRUE(out.shape.empty());
  EXPECT_EQ(Values<float>(out), std::vector<float>{2.5});

  for (const char* type : {"fp32", "bytes"}) {
    const DataType data_type = type == std::string("fp32") ? DataType::kFp32 : DataType::kBytes;
    auto identity = Load(MakeSpec(OnnxModel(std::string("identity_") + type),
                                  {{.name = "x", .type = data_type, .dims = {-1}}},
                                  {{.name = "y", .type = data_type, .dims = {-1}}}, 8));
    ASSERT_NE(identity, nullptr);
    const Tensor empty = RunOne(*identity, {{.name = "x", .type = data_type, .shape = {2, 0}}});
    EXPECT_EQ(empty.shape, (Shape{2, 0}));
    EXPECT_TRUE(empty.data.empty());
  }
}

TEST_F(OnnxRuntime, ReshapesInputsToWhatTheModelSees) {
  auto spec = MakeSpec(OnnxModel("identity_matrix"), {kX}, {kY}, 8);
  spec.reshape = {{"x", {2, 2}}, {"y", {2, 2}}};
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  const Tensor out = RunOne(*model, {Floats("x", {1, 4}, {1, 2, 3, 4})});
  EXPECT_EQ(out.shape, (Shape{1, 2, 2}));
}

TEST_F(OnnxRuntime, AcceptsInputsAtOddAddresses) {
  auto model = Load(MakeSpec(OnnxModel("identity_fp64"),
                             {{.name = "x", .type = DataType::kFp64, .dims = {-1}}},
                             {{.name = "y", .type = DataType::kFp64, .dims = {-1}}}, 8));
  ASSERT_NE(model, nullptr);
  std::vector<std::byte> buffer(1 + 2 * sizeof(double));
  const double values[] = {1.5, -2.5};
  std::memcpy(buffer.data() + 1, values, sizeof(values));
  const Blob data = Blob::FromVector(buffer).Slice(1, sizeof(values));
  const Tensor out =
      RunOne(*model, {{.name = "x", .type = DataType::kFp64, .shape = {1, 2}, .data = data}});
  EXPECT_EQ(Values<double>(out), (std::vector<double>{1.5, -2.5}));
}

TEST_F(OnnxRuntime, CopiesAnOutputThatIsAnInput) {
  auto model = Load(MakeSpec(OnnxModel("pass_through"), {kX}, {kX, kY}, 8));
  ASSERT_NE(model, nullptr);
  Tensor through;
  {
    const Tensor in = Floats("x", {1, 4}, {1, 2, 3, 4});
    const auto out = model->Execute({in}, {.outputs = {"x"}});
    ASSERT_TRUE(out) << out.error().ToString();
    through = out->front();
    EXPECT_NE(through.data.data(), in.data.data());
  }
  EXPECT_EQ(Values<float>(through), (std::vector<float>{1, 2, 3, 4}));
}

TEST_F(OnnxRuntime, KeepsOutputsAliveWithoutTheirModel) {
  auto model = Load(MakeSpec(OnnxModel("identity_fp32"), {kX}, {kY}, 8));
  ASSERT_NE(model, nullptr);
  const Tensor out = RunOne(*model, {Floats("x", {1, 4}, {1, 2, 3, 4})});
  model.reset();
  EXPECT_EQ(Values<float>(out), (std::vector<float>{1, 2, 3, 4}));
}

TEST_F(OnnxRuntime, MeasuresWeightsAndGivesThemBack) {
  const Shape dims = {1024};
  const auto spec =
      MakeSpec(OnnxModel("weights"), {{.name = "x", .type = DataType::kFp32, .dims = dims}},
               {{.name = "y", .type = DataType::kFp32, .dims = dims}}, 8);
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  constexpr uint64_t kWeight = 4 << 20;
  const uint64_t loaded = model->memory_bytes();
  EXPECT_GE(loaded, kWeight);
  EXPECT_LE(loaded, 3 * kWeight);
  {
    const Tensor out = RunOne(*model, {Floats("x", {1, 1024}, std::vector<float>(1024, 1))});
    EXPECT_EQ(Values<float>(out), std::vector<float>(1024, 512));
    EXPECT_GT(model->memory_bytes(), loaded);  // the output
  }
  EXPECT_EQ(model->memory_bytes(), loaded);
  auto second = Load(spec);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->memory_bytes(), loaded);
}

TEST_F(OnnxRuntime, RunsOneModelFromSeveralThreads) {
  auto model = Load(MakeSpec(OnnxModel("identity_fp32"), {kX}, {kY}, 8));
  ASSERT_NE(model, nullptr);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const std::vector<float> values(4, static_cast<float>(t));
      for (int i = 0; i < 200; ++i) {
        const auto out = model->Execute({Floats("x", {1, 4}, values)}, {});
        if (!out || Values<float>(out->front()) != values) ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(OnnxRuntime, TellsCorruptModelsFromMissingOnes) {
  EXPECT_EQ(LoadError("/nowhere/model.onnx").code(), Code::kNotFound);
  EXPECT_EQ(LoadError(WriteFile("text.onnx", "this is no model")).code(), Code::kDataLoss);
  EXPECT_EQ(LoadError(WriteFile("empty.onnx", "")).code(), Code::kDataLoss);
  std::ifstream whole(OnnxModel("sum_and_difference"), std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(whole), {}};
  EXPECT_EQ(LoadError(WriteFile("short.onnx", bytes.substr(0, bytes.size() / 2))).code(),
            Code::kDataLoss);
  EXPECT_EQ(LoadError(OnnxModel("unknown_operator")).code(), Code::kDataLoss);
}

TEST_F(OnnxRuntime, RefusesOutputsThatAreNoTensors) {
  const Status error = LoadError(OnnxModel("sequence_output"));
  EXPECT_EQ(error.code(), Code::kUnimplemented);
  EXPECT_NE(error.message().find("'pieces' is a sequence"), std::string::npos) << error.message();
}

TEST_F(OnnxRuntime, ChecksTheConfigAgainstTheModel) {
  const auto loaded = backend()->Load(MakeSpec(OnnxModel("identity_fp32"), {}, {}));
  ASSERT_TRUE(loaded);
  const auto error = [&](TensorSpec x, TensorSpec y) {
    return (*loaded)->Prepare(MakeSpec("m", {std::move(x)}, {std::move(y)}, 8)).message();
  };
  EXPECT_EQ(error(kX, kY), "");
  EXPECT_NE(error({.name = "z", .type = DataType::kFp32, .dims = {4}}, kY).find("has 'x'"),
            std::string::npos);
  EXPECT_NE(error({.name = "x", .type = DataType::kInt8, .dims = {4}}, kY).find("INT8"),
            std::string::npos);
  EXPECT_NE(error({.name = "x", .type = DataType::kFp32, .dims = {4, 4}}, kY).find("[-1,4,4]"),
            std::string::npos);
  EXPECT_NE((*loaded)->Prepare(MakeSpec("m", {}, {kY}, 8)).message().find("lacks"),
            std::string::npos);
}

TEST_F(OnnxRuntime, BlamesTheCallerForShapesThatDoNotFit) {
  auto model = Load(MakeSpec(OnnxModel("any_product"),
                             {{.name = "left", .type = DataType::kFp32, .dims = {-1, -1}},
                              {.name = "right", .type = DataType::kFp32, .dims = {-1, -1}}},
                             {{.name = "product", .type = DataType::kFp32, .dims = {-1, -1}}}));
  ASSERT_NE(model, nullptr);
  const auto out =
      model->Execute({Floats("left", {1, 2}, {1, 2}), Floats("right", {1, 3}, {1, 2, 3})}, {});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), Code::kInvalidArgument) << out.error().ToString();
}

TEST_F(OnnxRuntime, SaysWhenMemoryRunsOut) {
  auto model = Load(MakeSpec(OnnxModel("allocate"),
                             {{.name = "shape", .type = DataType::kInt64, .dims = {1}}},
                             {{.name = "y", .type = DataType::kFp32, .dims = {-1}}}));
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(RunOne(*model, {Ints("shape", {1}, {5})}).shape, Shape{5});
  const auto out = model->Execute({Ints("shape", {1}, {int64_t{1} << 50})}, {});
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code(), Code::kResourceExhausted) << out.error().ToString();
}

TEST_F(OnnxRuntime, ChecksItsParameters) {
  auto spec = MakeSpec(OnnxModel("identity_fp32"), {kX}, {kY}, 8);
  spec.parameters = {{"intra_op_thread_count", "1"}, {"anything", "goes"}};
  EXPECT_NE(Load(spec), nullptr);
  spec.parameters = {{"intra_op_thread_count", "many"}};
  const auto model = backend()->Load(spec);
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code(), Code::kInvalidArgument);
}

TEST_F(OnnxRuntime, ObeysTheGraphLevel) {
  for (const int level : {-1, 0, 1, 2}) {
    auto spec = MakeSpec(OnnxModel("identity_fp32"), {kX}, {kY}, 8);
    spec.optimization.graph_level = level;
    auto model = Load(spec);
    ASSERT_NE(model, nullptr) << level;
    EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1, 4}, {1, 2, 3, 4})})),
              (std::vector<float>{1, 2, 3, 4}));
  }
}

TEST_F(OnnxRuntime, TakesOperationsFromALibraryWhenThatIsAllowed) {
  auto spec = MakeSpec(OnnxModel("own_operator"), {kX}, {kY}, 8);
  spec.operation_libraries = {SARAI_TWICE_LIBRARY};
  const auto refused = backend()->Load(spec);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("allow_operation_libraries"), std::string::npos);

  const auto open = LoadBackendLibrary(BackendLibrary("onnxruntime"),
                                       {.settings = {{"allow_operation_libraries", "true"}}});
  ASSERT_TRUE(open) << open.error().message();
  auto model = LoadModel(open->get(), spec);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1, 4}, {1, 2, 3, 4})})),
            (std::vector<float>{2, 4, 6, 8}));
  spec.operation_libraries = {"/nowhere/libtwice.so"};
  const auto missing = (*open)->Load(spec);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message().find("/nowhere/libtwice.so"), std::string::npos);
}

TEST_F(OnnxRuntime, SaysWhichLibraryItDidNotFind) {
  const auto backend = LoadBackendLibrary(
      BackendLibrary("onnxruntime"), {.settings = {{"library", "/nowhere/libonnxruntime.so"}}});
  ASSERT_FALSE(backend);
  EXPECT_NE(backend.error().message().find("/nowhere/libonnxruntime.so"), std::string::npos);
}

}  // namespace
}  // namespace sarai::backends
