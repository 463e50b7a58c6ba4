#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/modelconfig/testing/configs.h"

namespace sarai::modelconfig {
namespace {

using testing::HasSubstr;

TEST(Validate, AcceptsWhatIsRight) {
  for (const char* more :
       {"", "dynamic_batching { preferred_batch_size: [2, 8] max_queue_delay_microseconds: 100 }",
        "instance_group { kind: KIND_CPU count: 2 }", "optimization { graph { level: 1 } }",
        "cc_model_filenames { key: '8.6' value: 'a.plan' }",
        "metric_tags { key: 'team' value: 'x' }",
        "parameters { key: 'intra_op_thread_count' value { string_value: '2' } }",
        "model_transaction_policy { decoupled: false }", "response_cache { enable: true }",
        "model_transaction_policy { decoupled: true } sequence_batching { }",
        "sequence_batching { iterative_sequence: true }",
        "optimization { execution_accelerators { gpu_execution_accelerator { name: 'tensorrt' } } "
        "}",
        "dynamic_batching { preserve_ordering: true default_queue_policy { timeout_action: DELAY } "
        "}",
        "model_metrics { metric_control { metric_identifier { family: 'f' } histogram_options { "
        "buckets: [0.5, 1, inf] } } }",
        "platform: 'onnxruntime_onnx'", "runtime: 'libtriton_onnxruntime.so'",
        "dynamic_batching { priority_levels: 1 default_priority_level: 1 }",
        "model_warmup { name: 'w' batch_size: 8 inputs { key: 'x' value { data_type: TYPE_FP32 "
        "dims: [3, 7] random_data: true } } }"})
    EXPECT_EQ(Validate(Valid(more)).ToString(), "ok") << more;
}

TEST(Validate, RefusesByNameWhatIsNotServed) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"model_repository_agents { agents { name: 'c' } }", "model_repository_agents"},
      {"runtime: 'model.py'", "runtime"},
      {"optimization { execution_accelerators { cpu_execution_accelerator { name: 'openvino' } } }",
       "the CPU accelerator 'openvino' is not part of this server"},
  };
  for (const auto& [more, field] : cases) {
    const Status status = Validate(Valid(more));
    ASSERT_FALSE(status.ok()) << more;
    EXPECT_EQ(status.code(), Code::kUnimplemented) << more;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("model 'm'"), HasSubstr(field))) << more;
  }
}

TEST(Validate, NamesWhatIsWrong) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"name: '' backend: 'x'", "it has no name"},
      {"name: 'm'", "names no backend"},
      {"name: 'm' backend: 'b' batch_input { target_name: 't' data_type: TYPE_INT32 }",
       "batch_input 0: it needs one source_input"},
      {"name: 'm' backend: 'b' batch_input { source_input: 'q' data_type: TYPE_INT32 }",
       "source_input 'q' is no input"},
      {"name: 'm' backend: 'b' max_batch_size: 2 input { name: 'x' data_type: TYPE_FP32 dims: -1 } "
       "batch_input { source_input: 'x' data_type: TYPE_INT64 }",
       "data_type TYPE_INT64 is neither TYPE_INT32 nor TYPE_FP32"},
      {"name: 'm' backend: 'b' input { name: 'x' data_type: TYPE_FP32 dims: -1 "
       "allow_ragged_batch: true }",
       "needs max_batch_size"},
      {"name: 'm' backend: 'pytorch' platform: 'onnxruntime_onnx'",
       "platform 'onnxruntime_onnx' belongs to backend 'onnxruntime', not to 'pytorch'"},
      {"name: 'm' backend: 'b' max_batch_size: -1", "max_batch_size -1 is negative"},
      {"name: 'm' backend: 'b' max_batch_size: 4 dynamic_batching { preferred_batch_size: 5 }",
       "preferred_batch_size 5 is not within 1 and max_batch_size 4"},
      {"name: 'm' backend: 'b' dynamic_batching { priority_levels: 1 default_priority_level: 2 }",
       "default_priority_level 2"},
      {"name: 'm' backend: 'b' dynamic_batching { preserve_ordering: true default_queue_policy { "
       "timeout_action: DELAY default_timeout_microseconds: 9 } }",
       "preserve_ordering forbids"},
      {"name: 'm' backend: 'b' dynamic_batching { priority_levels: 2 default_priority_level: 1 "
       "priority_queue_policy { key: 3 value { } } }",
       "priority_queue_policy names level 3"},
      {"name: 'm' backend: 'onnxruntime' platform: 'caffe2'",
       "platform 'caffe2' is none of backend 'onnxruntime'"},
      {"name: 'm' backend: 'b' input { name: 'x' data_type: TYPE_FP32 dims: 1 is_shape_tensor: "
       "true }",
       "input 'x' sets is_shape_tensor, which only models of backend 'tensorrt' have"},
      {"name: 'm' backend: 'b' output { name: 'y' is_non_linear_format_io: true }",
       "output 'y' sets is_non_linear_format_io"},
      {"name: 'm' backend: 'b' instance_group { name: 'g' profile: '1' }",
       "instance_group 'g' sets profile"},
      {"name: 'm' backend: 'b' input { name: 'x' data_type: TYPE_FP32 dims: 1 format: FORMAT_NHWC "
       "}",
       "input 'x': format FORMAT_NHWC needs 3 dims, it has 1"},
      {"name: 'm' backend: 'b' model_metrics { metric_control { } }",
       "model_metrics.metric_control: it needs a metric_identifier"},
      {"name: 'm' backend: 'b' model_metrics { metric_control { metric_identifier { family: 'f' } "
       "} }",
       "family 'f': it needs histogram_options"},
      {"name: 'm' backend: 'b' model_metrics { metric_control { metric_identifier { family: 'f' } "
       "histogram_options { buckets: [2, 1] } } }",
       "family 'f': its buckets do not ascend"},
      {"name: 'm' backend: 'b' optimization { execution_accelerators { gpu_execution_accelerator { "
       "name: 'warp' } } }",
       "the GPU accelerator 'warp' is unknown"},
      {"name: 'm' backend: 'b' instance_group { name: 'g' kind: KIND_GPU }",
       "instance_group 'g': KIND_GPU needs a GPU"},
      {"name: 'm' backend: 'b' instance_group { name: 'g' gpus: 0 }",
       "instance_group 'g': KIND_GPU needs a GPU"},
      {"name: 'm' backend: 'b' instance_group { name: 'g' kind: KIND_CPU gpus: 0 }",
       "a group of KIND_CPU must not list gpus"},
      {"name: 'm' backend: 'b' instance_group { name: 'g' count: -2 }", "count -2 is negative"},
      {"name: 'm' backend: 'b' input { data_type: TYPE_FP32 dims: 1 }", "input '': it has no name"},
      {"name: 'm' backend: 'b' input { name: 'x' dims: 1 }", "input 'x': it has no data_type"},
      {"name: 'm' backend: 'b' input { name: 'x' data_type: TYPE_FP32 }", "dims has no entry"},
      {"name: 'm' backend: 'b' input { name: 'x' data_type: TYPE_FP32 dims: 0 }", "dims [0] has 0"},
      {"name: 'm' backend: 'b' output { name: 'y' data_type: TYPE_FP32 dims: -2 }",
       "output 'y': dims [-2] has -2"},
      {"name: 'm' backend: 'b' output { name: 'y' data_type: TYPE_FP32 dims: 1 } output { name: "
       "'y' data_type: TYPE_FP32 dims: 1 }",
       "output 'y' is listed twice"},
      {"name: 'm' backend: 'b' input { name: 'x' data_type: TYPE_FP32 dims: [4, 4] reshape { "
       "shape: [8] } }",
       "reshape [8] does not hold as many elements as dims [4,4]"},
      {"name: 'm' backend: 'b' input { name: 'x' data_type: TYPE_FP32 dims: [-1, 4] reshape { "
       "shape: [4, -1] } }",
       "reshape [4,-1]"},
      {"name: 'm' backend: 'b' version_policy { specific { versions: 0 } }", "lists 0"},
      {"name: 'm' backend: 'b' default_model_filename: '../../etc/passwd'",
       "default_model_filename '../../etc/passwd' must name a file inside"},
      {"name: 'm' backend: 'b' default_model_filename: '/etc/passwd'", "must name a file inside"},
      {"name: 'm' backend: 'b' output { name: 'y' data_type: TYPE_FP32 dims: 1 label_filename: "
       "'../x' }",
       "label_filename '../x'"},
      {"name: 'm' backend: 'b' model_warmup { name: 'w' batch_size: 2 }",
       "model_warmup 'w': batch_size 2 is more than the model's 1"},
      {"name: 'm' backend: 'b' model_warmup { name: 'w' inputs { key: 'x' value { data_type: "
       "TYPE_FP32 dims: 1 } } }",
       "input 'x': it needs one of zero_data"},
      {"name: 'm' backend: 'b' model_warmup { name: 'w' inputs { key: 'x' value { data_type: "
       "TYPE_FP32 dims: -1 zero_data: true } } }",
       "its dims [-1] are not all 1 or more"},
      {"name: 'm' backend: 'b' model_warmup { name: 'w' inputs { key: 'x' value { data_type: "
       "TYPE_FP32 dims: 1 input_data_file: '/dev/zero' } } }",
       "input_data_file '/dev/zero'"},
      {"name: 'm' backend: 'b' input { name: 'x' data_type: TYPE_FP32 dims: 2 } model_warmup { "
       "name: 'w' inputs { key: 'x' value { data_type: TYPE_FP32 dims: 3 zero_data: true } } }",
       "it has dims [3], the model's input has [2]"},
      {"name: 'm' backend: 'b' input { name: 'x' data_type: TYPE_FP32 dims: 2 } model_warmup { "
       "name: 'w' inputs { key: 'q' value { data_type: TYPE_FP32 dims: 2 zero_data: true } } }",
       "input 'q': the model has no such input"},
      {"name: 'm' backend: 'pytorch' model_operations { op_library_filename: 'x.so' }",
       "model_operations, which only models of backend 'onnxruntime' have"},
  };
  for (const auto& [text, expected] : cases) {
    auto config = Config(text);
    Normalize(config);
    EXPECT_THAT(Validate(config).ToString(), HasSubstr(expected)) << text;
  }
}

TEST(Validate, AcceptsReshapesThatHoldAsManyElements) {
  for (const char* tensor : {"dims: [4, 4] reshape { shape: [16] }", "dims: 1 reshape { }",
                             "dims: [-1, 4] reshape { shape: [-1, 2, 2] }",
                             "dims: [3, -1] reshape { shape: [1, 3, -1] }"}) {
    const auto config = Config(fmt::format(
        "name: 'm' backend: 'b' input {{ name: 'x' data_type: TYPE_FP32 {} }}", tensor));
    EXPECT_EQ(Validate(config).ToString(), "ok") << tensor;
  }
}

}  // namespace
}  // namespace sarai::modelconfig
