// The `data` member of an input: nested or flat JSON -> the bytes of a tensor, in one pass,
// straight into a buffer of the element type. How deep the lists nest says nothing: elements count
// in row-major order, as in Triton.
#pragma once

#include <cstdint>
#include <optional>

#include "base/blob.h"
#include "types/data_type.h"
#include "wire/kserve/json_reader.h"

namespace sarai::kserve {

struct JsonTensorLimits {
  uint64_t max_bytes = 0;  // of the tensor
  int max_depth = 0;       // of the whole request
  int depth = 0;           // lists and objects that lie around the data
  uint64_t reserve = 0;    // elements expected; a hint
};

struct JsonTensor {
  Blob data;
  int64_t elements = 0;
};

// Errors name the element ("element 3 is 300: not a UINT8"), not the tensor.
Result<JsonTensor> ReadJsonTensor(ondemand::array list, DataType type,
                                  const JsonTensorLimits& limits);
// The same of a list or, for a tensor of one element, that element.
Result<JsonTensor> ReadJsonTensor(ondemand::value value, DataType type,
                                  const JsonTensorLimits& limits);

}  // namespace sarai::kserve
