// Several requests made one for the framework, and its answer cut up again. Pure.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/pending.h"
#include "types/model_spec.h"

namespace sarai::engine {

// The inputs of all requests put together along the first dimension. A single request's tensors
// are handed on without a copy. Errors: kInternal when the requests do not belong together,
// kResourceExhausted when the memory for the batch cannot be had.
Result<std::vector<Tensor>> JoinInputs(std::span<const Pending> batch);
// The same for a model with ragged inputs, which become one-dimensional, and with batch inputs.
Result<std::vector<Tensor>> JoinInputs(const ModelSpec& spec, std::span<const Pending> batch);

// The outputs that somebody in the batch wants, and the states', by name; empty = all.
std::vector<std::string> WantedOutputs(const ModelSpec& spec, std::span<const Pending> batch);

// What each request of the batch gets: the outputs it wants, in its order (else the spec's), in
// the spec's shapes. The bytes are shared, not copied. States go into the requests. Errors:
// kInternal naming model and output when the framework's answer does not fit the batch or the spec.
Result<std::vector<std::vector<Tensor>>> SplitOutputs(const ModelSpec& spec,
                                                      std::vector<Tensor> outputs,
                                                      std::span<const Pending> batch);

// One response of a decoupled model to this request: those of its wanted outputs that the model
// gave, in the spec's shapes. Errors: kInternal as of SplitOutputs.
Result<std::vector<Tensor>> CheckResponse(const ModelSpec& spec, std::vector<Tensor> outputs,
                                          const PendingRequest& request);

// What the sequence of a decoupled request goes on with after a run: of each state the tensor that
// the model gave by the name of its output, else what the run began with. Errors: as above.
Result<std::vector<Tensor>> NextStates(const ModelSpec& spec,
                                       std::map<std::string, Tensor, std::less<>> given,
                                       const PendingRequest& request);

}  // namespace sarai::engine
