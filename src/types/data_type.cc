#include "types/data_type.h"

#include <array>

namespace sarai {
namespace {

struct Row {
  std::string_view name;
  size_t size;
};
// Indexed by the enum's number.
constexpr std::array<Row, 15> kRows = {{{"INVALID", 0},
                                        {"BOOL", 1},
                                        {"UINT8", 1},
                                        {"UINT16", 2},
                                        {"UINT32", 4},
                                        {"UINT64", 8},
                                        {"INT8", 1},
                                        {"INT16", 2},
                                        {"INT32", 4},
                                        {"INT64", 8},
                                        {"FP16", 2},
                                        {"FP32", 4},
                                        {"FP64", 8},
                                        {"BYTES", 0},
                                        {"BF16", 2}}};

}  // namespace

std::string_view DataTypeName(DataType type) { return kRows[static_cast<size_t>(type)].name; }

std::optional<DataType> ParseDataTypeName(std::string_view wire_name) {
  for (size_t i = 1; i < kRows.size(); ++i)
    if (kRows[i].name == wire_name) return static_cast<DataType>(i);
  return std::nullopt;
}

size_t ElementSize(DataType type) { return kRows[static_cast<size_t>(type)].size; }

}  // namespace sarai
