// A request against its model: are all tensors there, of the right type and shape? Runs on the
// thread that brings the request, so that a lane only ever sees inputs that fit. Pure.
#pragma once

#include <vector>

#include "base/status.h"
#include "types/inference.h"
#include "types/model_spec.h"

namespace sarai::engine {

struct CheckedInputs {
  std::vector<Tensor> tensors;  // in the order of the spec, shaped as the framework sees them
  int64_t batch = 1;            // the shared first dimension; 1 for models without one
  uint64_t shape_key = 0;       // equal keys: same inputs, same shapes beyond the first dimension
};

// Takes the request's inputs. Errors are kInvalidArgument and name model, tensor, what was
// expected and what came; an output that the model does not have is one too.
Result<CheckedInputs> CheckRequest(const ModelSpec& spec, InferRequest& request);

}  // namespace sarai::engine
