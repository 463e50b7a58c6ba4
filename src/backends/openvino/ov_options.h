// What a model's parameters ask of OpenVINO. Includes the framework: only for this folder.
#pragma once

#include <openvino/core/any.hpp>
#include <string>

#include "base/status.h"
#include "types/model_spec.h"

namespace sarai::backends::openvino {

// Parameters of the model's config with an effect (all others are free text and are ignored); names
// and meanings are Triton's, but for the one marked:
//   PERFORMANCE_HINT           LATENCY (default), THROUGHPUT, CUMULATIVE_THROUGHPUT
//   NUM_STREAMS                AUTO, NUMA or a number; default: one for each instance
//   INFERENCE_NUM_THREADS      of all streams together; default: the backend's option
//   HINT_BF16                  YES: computes in bfloat16. Default f32, whatever the processor has
//   INFERENCE_PRECISION_HINT   (ours) f32, bf16 or f16
//   TARGET_DEVICE              CPU (default), AUTO, HETERO:…, or what else OpenVINO finds
//   CPU_EXTENSION_PATH         shared object with operators of one's own
//   RESHAPE_IO_LAYERS          YES: the config's dims become the model's
//   SKIP_OV_DYNAMIC_BATCHSIZE  YES: the batch dimension is fixed to max_batch_size
//   ENABLE_BATCH_PADDING       YES: smaller batches are filled up to that size
// Without effect: COMPILATION_NUM_THREADS, which the CPU plug-in of this version does not take.
struct ModelOptions {
  std::string device = "CPU";
  ov::AnyMap properties;  // for the compilation
  std::string extension_path;
  bool reshape = false;
  bool fixed_batch = false;
  bool pad_batch = false;

  // `threads`: the backend's option; 0 = left to OpenVINO. Errors: kInvalidArgument.
  static Result<ModelOptions> FromSpec(const ModelSpec& spec, int threads);
};

}  // namespace sarai::backends::openvino
