// A tensor as rooms hand it to each other: a name, a type, a shape, and bytes that somebody keeps
// alive. Row-major, little-endian. BYTES tensors hold, per element, a 4-byte little-endian length
// and then that many bytes (KServe v2's binary form).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/blob.h"
#include "base/status.h"
#include "types/data_type.h"

namespace sarai {

using Shape = std::vector<int64_t>;

struct Tensor {
  std::string name;
  DataType type = DataType::kInvalid;
  Shape shape;
  Blob data;
};

// What a model says of one of its tensors. Dimensions may be -1 (any size). When the model batches
// (ModelSpec::max_batch_size > 0), the batch dimension is not part of `dims`.
struct TensorSpec {
  std::string name;
  DataType type = DataType::kInvalid;
  Shape dims;
  bool optional = false;
  bool ragged = false;  // batched by putting elements end to end, whatever the shapes
};

// Product of the dimensions (1 for a scalar). Errors: a negative dimension, or more than 2^62.
Result<int64_t> ElementCount(std::span<const int64_t> shape);

// "[1,3,224,224]"
std::string ShapeText(std::span<const int64_t> shape);

// Checks that the bytes are as many as type and shape say (for BYTES: exactly that many elements).
Status CheckTensorBytes(const Tensor& tensor);

// Views of the elements of a BYTES tensor's data. Errors: kInvalidArgument when the lengths do not
// add up.
Result<std::vector<std::string_view>> BytesElements(std::span<const std::byte> data);

// The BYTES form of the given elements.
std::vector<std::byte> EncodeBytesElements(std::span<const std::string_view> elements);

}  // namespace sarai
