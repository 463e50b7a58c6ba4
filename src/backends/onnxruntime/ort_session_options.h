// How sessions are set up, and which parameters of a model's config change it.
#pragma once

#include <map>
#include <string>

#include "backends/onnxruntime/ort_api.h"

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
Result<Owned<OrtSessionOptions>> MakeSessionOptions(
    const OrtApi& api, const std::map<std::string, std::string>& parameters);

}  // namespace sarai::backends::ort
