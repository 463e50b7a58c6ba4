// What every framework's wrapper needs to do with tensors before and after a run.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/blob.h"
#include "base/status.h"
#include "types/model_spec.h"
#include "types/tensor.h"

namespace sarai::backends {

// The shape in which the framework gets this input: the spec's `reshape` of it, behind the batch
// dimension if the model batches; else the tensor's own shape. Errors: kInvalidArgument when the
// element counts differ.
Result<Shape> FrameworkShape(const ModelSpec& spec, const Tensor& tensor);

// The dimensions that the framework sees for a tensor of the spec: -1 (batch) where the model
// batches, then its reshape or else its dims.
Shape FrameworkDims(const ModelSpec& spec, const TensorSpec& tensor);

// The same bytes at an address that suits elements of this type; copies only if they do not lie
// there already (a tensor may begin anywhere in a request's body).
Blob AlignedFor(DataType type, const Blob& data);

// Whether two dimension lists can describe one tensor: same rank, and -1 meets anything.
bool DimsAgree(std::span<const int64_t> a, std::span<const int64_t> b);

// The names to return, in order: the context's, or all of the spec's outputs.
std::vector<std::string> WantedOutputs(const ModelSpec& spec,
                                       const std::vector<std::string>& asked);

// "'a', 'b'"; "none" when empty.
std::string QuotedNames(const std::vector<TensorSpec>& tensors);

// The configuration's tensors against those that the model itself has, batch dimension included:
// names, types, dims, and whether all of the model's inputs that are not optional are there. A
// tensor of the model without dims may have any rank: frameworks report an open one like a
// scalar's. Errors: kInvalidArgument.
Status CheckTensors(const ModelSpec& spec, const std::vector<TensorSpec>& model_inputs,
                    const std::vector<TensorSpec>& model_outputs);

}  // namespace sarai::backends
