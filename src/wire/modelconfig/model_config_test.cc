#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/modelconfig/testing/configs.h"

namespace sarai::modelconfig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// ---- Autofill

struct AutofillCase {
  std::string config;
  std::vector<std::string> files;
  std::string backend, platform, file;
};

TEST(Autofill, FindsBackendPlatformAndFile) {
  const std::vector<AutofillCase> cases = {
      {"", {"model.onnx"}, "onnxruntime", "onnxruntime_onnx", "model.onnx"},
      {"", {"labels.txt", "model.pt"}, "pytorch", "pytorch_libtorch", "model.pt"},
      {"", {"model.pt2"}, "pytorch", "torch_aoti", "model.pt2"},
      {"", {"model.py", "model.onnx"}, "onnxruntime", "onnxruntime_onnx", "model.onnx"},
      {"", {"model.xml", "model.bin"}, "openvino", "", "model.xml"},
      {"platform: 'pytorch_libtorch'", {}, "pytorch", "pytorch_libtorch", "model.pt"},
      {"platform: 'tensorrt_plan'", {}, "tensorrt", "tensorrt_plan", "model.plan"},
      {"backend: 'onnxruntime'", {}, "onnxruntime", "onnxruntime_onnx", "model.onnx"},
      {"backend: 'pytorch'", {"model.pt2"}, "pytorch", "torch_aoti", "model.pt2"},
      {"backend: 'fil'", {"checkpoint.tl"}, "fil", "", "checkpoint.tl"},
      {"", {"labels.txt", "model.txt"}, "fil", "", "model.txt"},
      {"", {"xgboost.json"}, "fil", "", "xgboost.json"},
      {"", {"xgboost.ubj"}, "fil", "", "xgboost.ubj"},
      {"default_model_filename: 'big.onnx'",
       {"big.onnx"},
       "onnxruntime",
       "onnxruntime_onnx",
       "big.onnx"},
      {"name: 'mnist.onnxruntime'", {"weights"}, "onnxruntime", "onnxruntime_onnx", "model.onnx"},
  };
  for (const auto& c : cases) {
    auto config = Config(c.config);
    ASSERT_TRUE(Autofill(config, "folder", c.files).ok()) << c.config;
    EXPECT_EQ(config.backend(), c.backend) << c.config;
    EXPECT_EQ(config.platform(), c.platform) << c.config;
    EXPECT_EQ(config.default_model_filename(), c.file) << c.config;
  }
}

TEST(Autofill, TakesTheNameFromTheFolderOnlyWhereThereIsNone) {
  auto unnamed = Config("backend: 'pytorch'");
  ASSERT_TRUE(Autofill(unnamed, "resnet", {}).ok());
  EXPECT_EQ(unnamed.name(), "resnet");
  auto named = Config("backend: 'pytorch' name: 'mine'");
  ASSERT_TRUE(Autofill(named, "resnet", {}).ok());
  EXPECT_EQ(named.name(), "mine");
}

TEST(Autofill, SaysWhatItLookedForWhenNothingTellsTheBackend) {
  auto config = Config("");
  const Status status = Autofill(config, "resnet", {"weights.h5"});
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(),
              AllOf(HasSubstr("'resnet'"), HasSubstr("model.onnx"), HasSubstr("weights.h5")));
}

TEST(Autofill, RefusesUnknownPlatform) {
  auto config = Config("platform: 'caffe2_netdef'");
  EXPECT_THAT(Autofill(config, "m", {"model.onnx"}).message(),
              AllOf(HasSubstr("'caffe2_netdef'"), HasSubstr("onnxruntime_onnx")));
}

// ---- Complete

const Discovered kBatching = {.inputs = {{"x", DataType::kFp32, {-1, 3, 224}}},
                              .outputs = {{"y", DataType::kFp32, {-1, 10}}},
                              .first_dim_variable = true};
const Discovered kFixed = {.inputs = {{"x", DataType::kInt64, {2, -1}}, {"s", DataType::kFp32, {}}},
                           .outputs = {{"y", DataType::kBytes, {2}}, {"z", DataType::kFp32, {5}}}};

TEST(Complete, TurnsBatchingOnWhenFirstDimensionsVaryAndTheFileSaysNothing) {
  auto config = Config("name: 'm' backend: 'onnxruntime'");
  ASSERT_TRUE(Complete(config, kBatching).ok());
  EXPECT_EQ(config.max_batch_size(), 4);
  EXPECT_TRUE(config.has_dynamic_batching());
  EXPECT_THAT(config.input(0).dims(), ElementsAre(3, 224));
  EXPECT_EQ(config.input(0).data_type(), inference::TYPE_FP32);
  EXPECT_THAT(config.output(0).dims(), ElementsAre(10));
}

TEST(Complete, LeavesBatchingOffWhenTheAuthorCountedTheBatchDimension) {
  auto config = Config("name: 'm' backend: 'onnxruntime' input { name: 'x' dims: [-1, 3, 224] }");
  ASSERT_TRUE(Complete(config, kBatching).ok());
  EXPECT_EQ(config.max_batch_size(), 0);
  EXPECT_FALSE(config.has_dynamic_batching());
  EXPECT_THAT(config.output(0).dims(), ElementsAre(-1, 10));
}

TEST(Complete, BatchesByTheAuthorsSizeWhereTheTensorsAreLeftToTheModel) {
  auto config = Config("name: 'm' backend: 'onnxruntime' max_batch_size: 16");
  ASSERT_TRUE(Complete(config, kBatching).ok());
  EXPECT_EQ(config.max_batch_size(), 16);
  EXPECT_TRUE(config.has_dynamic_batching());
}

TEST(Complete, KeepsTheAuthorsScheduler) {
  auto written = Config(
      "name: 'm' backend: 'onnxruntime' max_batch_size: 16 input { name: 'x' } output { name: 'y' "
      "}");
  ASSERT_TRUE(Complete(written, kBatching).ok());
  EXPECT_FALSE(written.has_dynamic_batching());
  auto sequence =
      Config("name: 'm' backend: 'onnxruntime' max_batch_size: 16 sequence_batching { }");
  ASSERT_TRUE(Complete(sequence, kBatching).ok());
  EXPECT_TRUE(sequence.has_sequence_batching());
}

TEST(Complete, TakesTheServersDefaultBatchSize) {
  for (const auto& [size, batches] : {std::pair(0, false), {1, false}, {32, true}}) {
    auto config = Config("name: 'm' backend: 'onnxruntime'");
    ASSERT_TRUE(Complete(config, kBatching, {.default_max_batch_size = size}).ok());
    EXPECT_EQ(config.max_batch_size(), size);
    EXPECT_EQ(config.has_dynamic_batching(), batches) << size;
    EXPECT_EQ(config.input(0).dims_size(), size == 0 ? 3 : 2);
  }
}

TEST(Complete, OnlyChecksWhereItIsNotToFill) {
  auto config = Config(
      "name: 'm' backend: 'onnxruntime' input { name: 'x' data_type: TYPE_FP32 "
      "dims: [-1, 3, 224] }");
  EXPECT_EQ(Complete(config, kBatching, {.fill = false}).ToString(), "ok");
  EXPECT_EQ(config.output_size(), 0);
  EXPECT_EQ(config.max_batch_size(), 0);
  auto wrong = Config("name: 'm' backend: 'onnxruntime' input { name: 'x' dims: [-1, 3, 224] }");
  EXPECT_THAT(Complete(wrong, kBatching, {.fill = false}).ToString(), HasSubstr("TYPE_INVALID"));
}

TEST(Complete, DescribesAScalarByDimsOfOneAndAnEmptyReshape) {
  auto config = Config("name: 'm' backend: 'onnxruntime'");
  ASSERT_TRUE(Complete(config, kFixed).ok());
  EXPECT_EQ(config.max_batch_size(), 0);
  EXPECT_THAT(config.input(1).dims(), ElementsAre(1));
  EXPECT_TRUE(config.input(1).has_reshape());
  EXPECT_EQ(config.output(0).data_type(), inference::TYPE_STRING);
  Normalize(config);
  EXPECT_EQ(Validate(config).ToString(), "ok");
}

TEST(Complete, AddsMissingInputsButRespectsAShorterListOfOutputs) {
  auto config = Config("name: 'm' backend: 'onnxruntime' input { name: 's' } output { name: 'z' }");
  ASSERT_TRUE(Complete(config, kFixed).ok());
  EXPECT_EQ(config.input_size(), 2);
  EXPECT_EQ(config.output_size(), 1);
  EXPECT_THAT(config.output(0).dims(), ElementsAre(5));
}

TEST(Complete, ComparesTheReshapeRatherThanTheDims) {
  auto config = Config(
      "name: 'm' backend: 'onnxruntime' max_batch_size: 2 "
      "input { name: 'x' dims: [672] reshape { shape: [3, 224] } }");
  EXPECT_EQ(Complete(config, kBatching).ToString(), "ok");
}

TEST(Complete, NamesWhatDoesNotAgreeWithTheModel) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"max_batch_size: 4 input { name: 'z' }",
       "input 'z': the model has none of that name; it "
       "has: x"},
      {"max_batch_size: 4 input { name: 'x' data_type: TYPE_INT32 }",
       "input 'x': the configuration says TYPE_INT32, the model has TYPE_FP32"},
      {"max_batch_size: 4 input { name: 'x' dims: [3, 225] }",
       "input 'x': the configuration says dims [3,225] behind a batch dimension (max_batch_size "
       "4), the model has [-1,3,224]"},
      {"input { name: 'x' dims: [2, 3, 224] } output { name: 'y' dims: [-1, 11] }",
       "output 'y': the configuration says dims [-1,11], the model has [-1,10]"},
  };
  for (const auto& [text, expected] : cases) {
    auto config = Config("name: 'm' backend: 'onnxruntime' " + text);
    EXPECT_THAT(Complete(config, kBatching).ToString(), HasSubstr("model 'm': " + expected))
        << text;
  }
  auto config = Config("name: 'm' backend: 'onnxruntime' max_batch_size: 4");
  EXPECT_THAT(Complete(config, kFixed).ToString(), HasSubstr("the model has [2,-1]"));
}

TEST(Complete, LeavesTorchScriptsPositionalNamesToTheBackend) {
  auto config = Config(
      "name: 'm' platform: 'pytorch_libtorch' backend: 'pytorch' max_batch_size: 4 "
      "input { name: 'INPUT__0' data_type: TYPE_FP32 dims: [3] } "
      "output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: [3] }");
  EXPECT_EQ(Complete(config, {.inputs = {{"x", DataType::kInvalid, {}}}}).ToString(), "ok");
  EXPECT_EQ(config.input_size(), 1);
  EXPECT_EQ(Complete(config, {}).ToString(), "ok");
}

// ---- Normalize

TEST(Normalize, WritesDefaultsOut) {
  auto config = Config("name: 'm' backend: 'onnxruntime' max_batch_size: 8 dynamic_batching {}");
  Normalize(config);
  EXPECT_EQ(config.version_policy().latest().num_versions(), 1u);
  EXPECT_THAT(config.dynamic_batching().preferred_batch_size(), ElementsAre(8));
  ASSERT_EQ(config.instance_group_size(), 1);
  EXPECT_EQ(config.instance_group(0).name(), "m");
  EXPECT_EQ(config.instance_group(0).kind(), inference::ModelInstanceGroup::KIND_CPU);
  EXPECT_EQ(config.instance_group(0).count(), 2);
  EXPECT_TRUE(config.optimization().input_pinned_memory().enable());
}

TEST(Normalize, GivesOtherBackendsOneInstance) {
  auto config =
      Config("name: 'm' backend: 'pytorch' instance_group { } instance_group { count: 3 }");
  Normalize(config);
  EXPECT_EQ(config.instance_group(0).count(), 1);
  EXPECT_EQ(config.instance_group(0).name(), "m_0");
  EXPECT_EQ(config.instance_group(1).count(), 3);
}

TEST(Normalize, SortsPreferredSizesAndKeepsTheVersionPolicy) {
  auto config = Config(
      "max_batch_size: 8 dynamic_batching { preferred_batch_size: [8, 2, 4] } "
      "version_policy { all {} }");
  Normalize(config);
  EXPECT_THAT(config.dynamic_batching().preferred_batch_size(), ElementsAre(2, 4, 8));
  EXPECT_TRUE(config.version_policy().has_all());
}

// ---- ChooseVersions

TEST(ChooseVersions, FollowsThePolicy) {
  const std::vector<int64_t> available = {3, 10, 1, 2};
  EXPECT_THAT(*ChooseVersions(Config(""), available), ElementsAre(10));
  EXPECT_THAT(*ChooseVersions(Config("version_policy { latest { num_versions: 2 } }"), available),
              ElementsAre(3, 10));
  EXPECT_THAT(*ChooseVersions(Config("version_policy { latest { num_versions: 9 } }"), available),
              ElementsAre(1, 2, 3, 10));
  EXPECT_THAT(*ChooseVersions(Config("version_policy { all {} }"), available),
              ElementsAre(1, 2, 3, 10));
  EXPECT_THAT(
      *ChooseVersions(Config("version_policy { specific { versions: [2, 7] } }"), available),
      ElementsAre(2));
}

TEST(ChooseVersions, SaysWhenNothingIsThere) {
  EXPECT_EQ(ChooseVersions(Config("name: 'm'"), {}).error().code(), Code::kNotFound);
  EXPECT_THAT(ChooseVersions(Config("name: 'm' version_policy { specific { versions: 7 } }"), {1})
                  .error()
                  .message(),
              HasSubstr("none of the versions [7]"));
}

// ---- ToSpec

TEST(ToSpec, GivesPlainValues) {
  auto config = Config(R"(
    name: 'resnet' platform: 'pytorch_libtorch' max_batch_size: 128
    input { name: 'INPUT__0' data_type: TYPE_FP32 dims: [3, 224, 224] }
    input { name: 's' data_type: TYPE_STRING dims: 1 reshape { } optional: true }
    output { name: 'OUTPUT__0' data_type: TYPE_FP32 dims: 1000 label_filename: 'labels.txt' }
    instance_group { count: 2 kind: KIND_CPU } instance_group { }
    dynamic_batching {
      preferred_batch_size: [8, 4] max_queue_delay_microseconds: 500 preserve_ordering: true
      default_queue_policy { max_queue_size: 7 default_timeout_microseconds: 9
                             allow_timeout_override: true } }
    model_warmup { name: 'bs128 Warmup' batch_size: 128 inputs { key: 'INPUT__0' value {
      data_type: TYPE_FP32 dims: [3, 224, 224] zero_data: false } } }
    model_warmup { name: 'skipped' }
    optimization { graph { level: -1 } eager_batching: true execution_accelerators {
      gpu_execution_accelerator { name: 'tensorrt' parameters { key: 'p' value: 'q' } } } }
    metric_tags { key: 'team' value: 'red' }
    model_metrics { metric_control { metric_identifier { family: 'f' }
                                     histogram_options { buckets: [1, 2.5] } } }
    parameters { key: 'k' value { string_value: 'v' } })");
  ASSERT_TRUE(Autofill(config, "resnet", {"model.pt"}).ok());
  Normalize(config);
  ASSERT_EQ(Validate(config).ToString(), "ok");
  const auto spec = ToSpec(config, 3, "/models/resnet");
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->backend, "pytorch");
  EXPECT_EQ(spec->version, "3");
  EXPECT_EQ(spec->artifact, "/models/resnet/3/model.pt");
  EXPECT_EQ(spec->instance_count, 3);
  EXPECT_EQ(spec->max_batch_size, 128);
  EXPECT_THAT(spec->inputs[0].dims, ElementsAre(3, 224, 224));
  EXPECT_EQ(spec->inputs[1].type, DataType::kBytes);
  EXPECT_TRUE(spec->inputs[1].optional);
  EXPECT_THAT(spec->reshape.at("s"), IsEmpty());
  EXPECT_FALSE(spec->reshape.contains("INPUT__0"));
  EXPECT_EQ(spec->label_files.at("OUTPUT__0"), "/models/resnet/labels.txt");
  EXPECT_THAT(spec->batching.preferred_sizes, ElementsAre(4, 8));
  EXPECT_EQ(spec->batching.max_queue_delay, std::chrono::microseconds(500));
  EXPECT_TRUE(spec->batching.preserve_ordering);
  EXPECT_EQ(spec->batching.queue.max_queue_size, 7u);
  EXPECT_EQ(spec->batching.queue.default_timeout, std::chrono::microseconds(9));
  EXPECT_TRUE(spec->batching.queue.allow_timeout_override);
  ASSERT_EQ(spec->warmup.size(), 1u);
  EXPECT_EQ(spec->warmup[0].name, "bs128 Warmup");
  EXPECT_EQ(spec->warmup[0].batch_size, 128u);
  EXPECT_EQ(spec->warmup[0].count, 1u);
  EXPECT_EQ(spec->warmup[0].inputs[0].source, WarmupInput::Source::kZero);
  EXPECT_EQ(spec->parameters.at("k"), "v");
  EXPECT_EQ(spec->optimization.graph_level, -1);
  EXPECT_TRUE(spec->optimization.eager_batching);
  EXPECT_EQ(spec->optimization.gpu_accelerators.at(0).parameters.at("p"), "q");
  EXPECT_EQ(spec->metric_tags.at("team"), "red");
  EXPECT_THAT(spec->metric_buckets.at("f"), ElementsAre(1, 2.5));
}

TEST(ToSpec, WorksBeforeCompletion) {
  auto config = Config("");
  ASSERT_TRUE(Autofill(config, "m", {"model.onnx"}).ok());
  const auto spec = ToSpec(config, 1, "/d");
  ASSERT_TRUE(spec);
  EXPECT_THAT(spec->inputs, IsEmpty());
  EXPECT_EQ(spec->artifact, "/d/1/model.onnx");
  EXPECT_EQ(spec->instance_count, 1);
  EXPECT_FALSE(spec->batching.enabled);
}

TEST(ToSpec, NamesLibrariesOfOperationsByTheirPaths) {
  const auto config =
      Valid("model_operations { op_library_filename: 'ops/a.so' op_library_filename: '/b.so' }");
  EXPECT_EQ(Validate(config).ToString(), "ok");
  EXPECT_THAT(ToSpec(config, 1, "/d")->operation_libraries, ElementsAre("/d/ops/a.so", "/b.so"));
}

TEST(ToSpec, KeepsEndlessWaitsAddableToATime) {
  const auto spec = ToSpec(
      Valid("dynamic_batching { max_queue_delay_microseconds: 18446744073709551615 }"), 1, "/d");
  ASSERT_TRUE(spec);
  EXPECT_GT(spec->batching.max_queue_delay, std::chrono::hours(24 * 300));
  EXPECT_GT(TimePoint() + spec->batching.max_queue_delay, TimePoint());
}

}  // namespace
}  // namespace sarai::modelconfig
