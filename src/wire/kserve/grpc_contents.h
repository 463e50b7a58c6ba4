// InferTensorContents: a tensor's elements as protobuf numbers -> the bytes of a Tensor.
#pragma once

#include <string_view>
#include <vector>

#include "base/blob.h"
#include "base/status.h"
#include "types/data_type.h"

namespace sarai::kserve::grpc {

// `max_bytes` bounds what comes out. Errors: kInvalidArgument, for elements of another type's list,
// FP16 and BF16 (which only travel raw).
Result<Blob> ReadContents(const std::vector<std::string_view>& contents, DataType type,
                          uint64_t max_bytes);

}  // namespace sarai::kserve::grpc
