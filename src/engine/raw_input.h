// A request whose whole body is one tensor: its name, type and shape come from the model.
#pragma once

#include "base/blob.h"
#include "base/status.h"
#include "types/model_spec.h"

namespace sarai::engine {

// The model must have one input with at most one variable dimension, which follows from the size;
// the batch dimension is 1. BYTES: the body is the one element, without a length before it.
Result<Tensor> ResolveRawInput(const ModelSpec& spec, const Blob& body);

}  // namespace sarai::engine
