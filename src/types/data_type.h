// Element types of tensors. Numbers are those of Triton's model_config.proto `DataType`.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace sarai {

enum class DataType {
  kInvalid = 0,
  kBool = 1,
  kUint8 = 2,
  kUint16 = 3,
  kUint32 = 4,
  kUint64 = 5,
  kInt8 = 6,
  kInt16 = 7,
  kInt32 = 8,
  kInt64 = 9,
  kFp16 = 10,
  kFp32 = 11,
  kFp64 = 12,
  kBytes = 13,  // TYPE_STRING in config.pbtxt, BYTES on the wire
  kBf16 = 14,
};

// KServe v2 wire names: "FP32", "BYTES", …; "INVALID" for kInvalid.
std::string_view DataTypeName(DataType type);
std::optional<DataType> ParseDataTypeName(std::string_view wire_name);

// Bytes of one element; 0 for kBytes (its elements have no fixed size) and kInvalid.
size_t ElementSize(DataType type);

}  // namespace sarai
