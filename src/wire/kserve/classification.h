// Triton's classification extension: an output's largest elements as text.
#pragma once

#include "types/tensor.h"
#include "wire/kserve/kserve.h"

namespace sarai::kserve {

// The `classes` largest elements of each row as BYTES "value:index[:label]", largest first; equal
// values in the order of their indexes, NaN last. Integers, FP32 and FP64 only.
Result<Tensor> Classify(const Tensor& output, uint32_t classes, const EncodeOptions& options);

}  // namespace sarai::kserve
