// Runs a freshly loaded model with the samples of its `model_warmup` before any client's request
// meets it: the first runs of a framework allocate, compile and tune.
#pragma once

#include <span>

#include "backends/backend.h"
#include "base/status.h"
#include "types/model_spec.h"

namespace sarai::engine {

// On the loader's thread. Samples of batch size 0 are skipped, as in Triton. A failing sample fails
// the load; its error names the sample. Random data is the same in every run and small in value, so
// that it can serve as an index into a table.
//
// A stateful model sees each sample as the start of sequences, one per item of the batch, that
// begin with `initial_states`; what a sample gives for controls and states is not used.
Status WarmUp(const ModelSpec& spec, std::span<const Tensor> initial_states,
              backends::BackendModel& model);

}  // namespace sarai::engine
