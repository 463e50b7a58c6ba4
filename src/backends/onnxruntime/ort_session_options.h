// How sessions are set up, and what of a model's config changes it.
#pragma once

#include "backends/onnxruntime/ort_api.h"
#include "types/model_spec.h"

namespace sarai::backends::ort {

// Parameters with an effect (all others are free text, as in Triton, and are ignored):
//   intra_op_thread_count  1: runs on the calling lane alone. Other numbers have no effect: there
//   is
//                          one pool for all models, sized by the backend's option.
//   enable_mem_pattern     1: plans the memory of a run as one block per input shape. Off by
//                          default: ORT keeps a plan for every shape it ever saw.
//   session.disable_prepacking, session.set_denormal_as_zero,
//   session.use_device_allocator_for_initializers   ORT's own entries, "0" or "1".
// Known from Triton but without meaning here: inter_op_thread_count, execution_mode (lanes run
// requests side by side), enable_mem_arena, memory.enable_memory_arena_shrinkage (no arena).
//
// `optimization.graph.level` means what it does in Triton: -1 basic, 1 extended, 2 none, else all.
// The operation libraries are loaded into this process: errors name the file.
Result<Owned<OrtSessionOptions>> MakeSessionOptions(const OrtApi& api, const ModelSpec& spec);

}  // namespace sarai::backends::ort
