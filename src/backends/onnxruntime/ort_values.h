// Tensors of ours as ORT's values and back, without copying where both keep the same bytes.
#pragma once

#include <memory>
#include <vector>

#include "backends/onnxruntime/ort_runtime.h"
#include "types/tensor.h"

namespace sarai::backends::ort {

// The value points into `tensor.data`, which must outlive it and lie aligned (AlignedFor); strings
// are copied. `shape` is the one that the model sees.
Result<Owned<OrtValue>> ToValue(OrtRuntime& runtime, const Tensor& tensor, const Shape& shape);

// The tensor's data keeps the value alive, and with it the runtime. Where the value's bytes lie in
// one of `inputs` (a graph may pass an input through) they are copied: that memory is the caller's.
Result<Tensor> FromValue(const std::shared_ptr<OrtRuntime>& runtime, Owned<OrtValue> value,
                         std::string name, const std::vector<Tensor>& inputs);

}  // namespace sarai::backends::ort
