// The backend as the engine sees it, in a host process of its own, with the real framework.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "backends/tensorflow/graph_writer.h"
#include "backends/tensorflow/saved_model.h"
#include "backends/test_support.h"

namespace sarai::backends::tensorflow {
namespace {

using namespace backends::testing;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

TensorSpec Spec(std::string name, DataType type, Shape dims) {
  return {.name = std::move(name), .type = type, .dims = std::move(dims)};
}
TensorSpec X(Shape dims = {4}) { return Spec("x", DataType::kFp32, std::move(dims)); }
TensorSpec Y(Shape dims = {2}) { return Spec("y", DataType::kFp32, std::move(dims)); }

// One host for all tests: the framework takes a second to open.
Backend& SharedHost() {
  static auto* backend = HostedBackend("tensorflow").release();
  return *backend;
}

class Tensorflow : public ::testing::Test {
 protected:
  Tensorflow()
      : folder_(fs::path(::testing::TempDir()) / "tensorflow" /
                ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }

  std::unique_ptr<BackendModel> Load(const ModelSpec& spec) {
    return LoadModel(&SharedHost(), spec);
  }
  Status LoadError(const ModelSpec& spec) {
    auto model = SharedHost().Load(spec);
    return model ? (*model)->Prepare(spec) : model.error();
  }
  std::string Write(std::string_view bytes) {
    std::ofstream(folder_ / "saved_model.pb", std::ios::binary) << bytes;
    return folder_;
  }
  // y = x * w: the sum of a row, and its last element. Signature "negative" gives -y.
  std::string WriteLinear() {
    const std::vector<float> weights = {1, 0, 1, 0, 1, 0, 1, 1};
    return Write(SavedModelBytes(
        {Node::Placeholder("in", kFloat, {-1, 4}), Node::Floats("w", {4, 2}, weights),
         Node("product", "MatMul", {"in", "w"}).With("T", TypeAttribute(kFloat)),
         Node("minus", "Neg", {"product"}).With("T", TypeAttribute(kFloat))},
        {{"serving_default", SignatureMessage({{"x", "in:0", kFloat, {-1, 4}}},
                                              {{"y", "product:0", kFloat, {-1, 2}}})},
         {"negative", SignatureMessage({{"x", "in:0", kFloat, {-1, 4}}},
                                       {{"y", "minus:0", kFloat, {-1, 2}}})}}));
  }
  std::string WriteIdentity(int type) {
    return Write(SavedModelBytes(
        {Node::Placeholder("in", type, {-1, 3}),
         Node("out", "Identity", {"in"}).With("T", TypeAttribute(type))},
        {{"serving_default",
          SignatureMessage({{"x", "in:0", type, {-1, 3}}}, {{"y", "out:0", type, {-1, 3}}})}}));
  }

  const fs::path folder_;
};

TEST_F(Tensorflow, RunsASavedModel) {
  auto model = Load(MakeSpec(WriteLinear(), {X()}, {Y()}, 8));
  ASSERT_NE(model, nullptr);
  EXPECT_TRUE(SharedHost().runtime_version().starts_with("2."));
  EXPECT_TRUE(model->signature().first_dim_variable);
  EXPECT_EQ(model->signature().inputs[0].dims, (Shape{-1, 4}));
  const Tensor out = RunOne(*model, {Floats("x", {2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})});
  EXPECT_EQ(out.name, "y");
  EXPECT_EQ(out.shape, (Shape{2, 2}));
  EXPECT_EQ(Values<float>(out), (std::vector<float>{10, 4, 26, 8}));
}

TEST_F(Tensorflow, RoundTripsEveryType) {
  for (const TypeCase& c : AllTypes()) {
    SCOPED_TRACE(c.file);
    auto model = Load(MakeSpec(WriteIdentity(ToTfType(c.type)), {Spec("x", c.type, {3})},
                               {Spec("y", c.type, {3})}, 8));
    ASSERT_NE(model, nullptr);
    const Tensor in = SampleTensor("x", c.type);
    const Tensor out = RunOne(*model, {in});
    EXPECT_EQ(out.type, c.type);
    EXPECT_EQ(out.shape, in.shape);
    EXPECT_EQ(out.data.text(), in.data.text());
  }
}

TEST_F(Tensorflow, WorksOnStrings) {
  const std::string path = Write(SavedModelBytes(
      {Node::Placeholder("in", kString, {-1}), Node("upper", "StringUpper", {"in"})},
      {{"serving_default", SignatureMessage({{"text", "in:0", kString, {-1}}},
                                            {{"upper", "upper:0", kString, {-1}}})}}));
  auto model = Load(MakeSpec(path, {Spec("text", DataType::kBytes, {-1})},
                             {Spec("upper", DataType::kBytes, {-1})}));
  ASSERT_NE(model, nullptr);
  const std::string longer(100, 'z');
  const Tensor out = RunOne(*model, {Strings("text", {3}, {"abc", "", longer})});
  EXPECT_EQ(StringValues(out), (std::vector<std::string>{"ABC", "", std::string(100, 'Z')}));
}

TEST_F(Tensorflow, TakesTheSignatureOfTheConfig) {
  ModelSpec spec = MakeSpec(WriteLinear(), {X()}, {Y()}, 8);
  spec.parameters = {{"TF_SIGNATURE_DEF", "negative"},
                     {"TF_GRAPH_TAG", "serve"},
                     {"TF_NUM_INTRA_THREADS", "2"},
                     {"TF_NUM_INTER_THREADS", "200"},
                     {"TF_USE_PER_SESSION_THREADS", "yes"}};
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(Values<float>(RunOne(*model, {Floats("x", {1, 4}, {1, 1, 1, 1})}))[0], -4);
  spec.parameters = {{"TF_SIGNATURE_DEF", "positive"}};
  EXPECT_THAT(LoadError(spec).message(), HasSubstr("negative, serving_default"));
  spec.parameters = {{"TF_GRAPH_TAG", "train"}};
  EXPECT_THAT(LoadError(spec).message(), HasSubstr("serve"));
}

// The convolution ends the process over an image without channels.
TEST_F(Tensorflow, ChecksInputsBeforeTheFrameworkDoes) {
  const Message ones = Message().Add(1, Message().Text(3, std::string(4, '\1')));
  const std::vector<float> filter = {2};
  const std::string path = Write(SavedModelBytes(
      {Node::Placeholder("in", kFloat, {-1, -1, -1, 1}), Node::Floats("w", {1, 1, 1, 1}, filter),
       Node("out", "Conv2D", {"in", "w"})
           .With("T", TypeAttribute(kFloat))
           .With("strides", ones)
           .With("padding", Message().Text(2, "VALID"))},
      {{"serving_default", SignatureMessage({{"x", "in:0", kFloat, {-1, -1, -1, 1}}},
                                            {{"y", "out:0", kFloat, {-1, -1, -1, 1}}})}}));
  auto model = Load(MakeSpec(path, {X({-1, -1, 1})}, {Y({-1, -1, 1})}, 8));
  ASSERT_NE(model, nullptr);
  for (const Shape& shape : {Shape{4}, Shape{2, 2}, Shape{1, 2, 2}, Shape{1, 1, 2, 2}}) {
    const auto out = model->Execute({Floats("x", shape, {1, 2, 3, 4})}, {});
    ASSERT_FALSE(out);
    EXPECT_EQ(out.error().code(), Code::kInvalidArgument) << out.error().ToString();
  }
  const Tensor out = RunOne(*model, {Floats("x", {1, 2, 2, 1}, {1, 2, 3, 4})});
  EXPECT_EQ(Values<float>(out), (std::vector<float>{2, 4, 6, 8}));
}

TEST_F(Tensorflow, NamesWhatIsWrongWithAFile) {
  EXPECT_EQ(LoadError(MakeSpec(folder_ / "absent", {}, {})).code(), Code::kNotFound);
  EXPECT_EQ(LoadError(MakeSpec(Write("this is no model"), {}, {})).code(), Code::kDataLoss);
  const std::string unknown = Write(SavedModelBytes(
      {Node::Placeholder("in", kFloat, {-1}), Node("out", "NoSuchOperation", {"in"})},
      {{"serving_default",
        SignatureMessage({{"x", "in:0", kFloat, {-1}}}, {{"y", "out:0", kFloat, {-1}}})}}));
  EXPECT_THAT(LoadError(MakeSpec(unknown, {}, {})).message(), HasSubstr("NoSuchOperation"));
}

TEST_F(Tensorflow, RefusesWhatTheSignatureDoesNotHave) {
  const std::string path = WriteLinear();
  const ModelSpec cases[] = {
      MakeSpec(path, {X({5})}, {Y()}, 8),
      MakeSpec(path, {X({2, 2})}, {Y()}, 8),
      MakeSpec(path, {Spec("x", DataType::kInt32, {4})}, {Y()}, 8),
      MakeSpec(path, {Spec("in", DataType::kFp32, {4})}, {Y()}, 8),
      MakeSpec(path, {X()}, {Spec("z", DataType::kFp32, {2})}, 8),
  };
  for (const ModelSpec& spec : cases)
    EXPECT_EQ(LoadError(spec).code(), Code::kInvalidArgument) << LoadError(spec).ToString();
  ModelSpec frozen = MakeSpec(path, {X()}, {Y()}, 8);
  frozen.platform = "tensorflow_graphdef";
  EXPECT_EQ(LoadError(frozen).code(), Code::kUnimplemented);
}

TEST_F(Tensorflow, RunsSideBySide) {
  auto model = Load(MakeSpec(WriteLinear(), {X()}, {Y()}, 8));
  ASSERT_NE(model, nullptr);
  ExpectRightAnswersSideBySide(*model, 3);
}

TEST_F(Tensorflow, IsBackAfterItsProcessWasKilled) {
  const ModelSpec spec = MakeSpec(WriteLinear(), {X()}, {Y()}, 8);
  auto model = Load(spec);
  ASSERT_NE(model, nullptr);
  ASSERT_EQ(SharedHost().process_ids().size(), 1u);
  kill(SharedHost().process_ids()[0], SIGKILL);
  Result<std::vector<Tensor>> out;
  do out = model->Execute({Floats("x", {1, 4}, {1, 1, 1, 1})}, {});
  while (out);
  EXPECT_EQ(out.error().code(), Code::kUnavailable);
  auto again = Load(spec);
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(Values<float>(RunOne(*again, {Floats("x", {1, 4}, {1, 1, 1, 1})}))[0], 4);
}

}  // namespace
}  // namespace sarai::backends::tensorflow
