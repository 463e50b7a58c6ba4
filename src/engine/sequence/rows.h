// One row of a stateful model's batch: what the scheduler adds to a request's own inputs, in the
// order of FrameworkInputs. Pure.
#pragma once

#include <span>
#include <vector>

#include "engine/pending.h"

namespace sarai::engine {

struct StepFlags {
  bool start = false, end = false, ready = true;
};

// Appends a tensor per control, for `rows` equal rows.
void AddControls(const ModelSpec& spec, StepFlags flags, const CorrelationId& id, int64_t rows,
                 std::vector<Tensor>& inputs);

// kInvalidArgument: the id is a text, and the model wants a number.
Status CheckCorrelationId(const ModelSpec& spec, const CorrelationId& id);

// `values`, in the order of the spec's states, under their input names.
void AddStates(const ModelSpec& spec, std::span<const Tensor> values, std::vector<Tensor>& inputs);

// A row that is not ready, for a slot that has nothing to run: zeros in the shapes of `like`, a
// request without controls yet, and of its states.
Pending MakeNullRow(const ModelSpec& spec, const PendingRequest& like,
                    std::span<const Tensor> states);

// Equal keys may share a batch: the request's own, and the shapes of its states.
uint64_t StepKey(uint64_t shape_key, std::span<const Tensor> states);

// What a sequence starts with: files, or zeros. One row each. Errors: kInvalidArgument (a file too
// short), kNotFound, kResourceExhausted.
Result<std::vector<Tensor>> InitialStates(const ModelSpec& spec);

// The same row `rows` times, for warm-up.
Tensor Repeated(const Tensor& row, int64_t rows);

}  // namespace sarai::engine
