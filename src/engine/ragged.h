// Ragged batches: inputs put end to end whatever their shapes, inputs that describe the batch to
// the model, and outputs that are cut up by an input's shapes. Semantics: Triton's
// docs/user_guide/ragged_batching.md. Pure.
#pragma once

#include <span>
#include <vector>

#include "base/status.h"
#include "engine/pending.h"
#include "types/model_spec.h"

namespace sarai::engine {

bool IsRagged(const ModelSpec& spec, std::string_view input);

// The spec's batch inputs, one a target, as its requests' shapes say.
Result<std::vector<Tensor>> MakeBatchInputs(const ModelSpec& spec, std::span<const Pending> batch);

// The input whose shapes cut this output up; empty: it is cut by batch sizes.
std::string_view ScatterSource(const ModelSpec& spec, std::string_view output);

// An output's part of each request: its variable dimensions are those that the source has in the
// same places. Errors: kInternal when that is not all of the output.
Result<std::vector<Tensor>> Scatter(const ModelSpec& spec, const Tensor& output,
                                    std::string_view source, std::span<const Pending> batch);

}  // namespace sarai::engine
