// Tensors of ours as the framework's and back. Includes the framework: only for this folder.
#pragma once

#include <openvino/runtime/tensor.hpp>
#include <string>

#include "base/status.h"
#include "types/tensor.h"

namespace sarai::backends::openvino {

// Shares the bytes of `tensor.data`, which must outlive it and be aligned. `shape` is the one that
// the model sees.
ov::Tensor ToOv(const Tensor& tensor, const Shape& shape);

// The same rows, followed by rows of zeros up to `rows`. A copy.
ov::Tensor Padded(const ov::Tensor& tensor, size_t rows);

// Memory for an output, from CountedAllocate; of no elements where dimensions are open.
ov::Tensor EmptyOutput(const ov::element::Type& type, const ov::PartialShape& shape);

// The first `rows` rows (all when < 0), sharing the memory.
Result<Tensor> FromOv(const ov::Tensor& value, std::string name, int64_t rows);

}  // namespace sarai::backends::openvino
