#include "backends/openvino/ov_types.h"

#include <algorithm>
#include <array>

namespace sarai::backends::openvino {
namespace {

struct Pair {
  DataType ours;
  ov::element::Type_t theirs;
};

// No strings: the CPU plug-in (2026.4) frees them twice when they are passed through a graph.
constexpr std::array kPairs = {
    Pair{DataType::kBool, ov::element::Type_t::boolean},
    Pair{DataType::kUint8, ov::element::Type_t::u8},
    Pair{DataType::kUint16, ov::element::Type_t::u16},
    Pair{DataType::kUint32, ov::element::Type_t::u32},
    Pair{DataType::kUint64, ov::element::Type_t::u64},
    Pair{DataType::kInt8, ov::element::Type_t::i8},
    Pair{DataType::kInt16, ov::element::Type_t::i16},
    Pair{DataType::kInt32, ov::element::Type_t::i32},
    Pair{DataType::kInt64, ov::element::Type_t::i64},
    Pair{DataType::kFp16, ov::element::Type_t::f16},
    Pair{DataType::kFp32, ov::element::Type_t::f32},
    Pair{DataType::kFp64, ov::element::Type_t::f64},
    Pair{DataType::kBf16, ov::element::Type_t::bf16},
};

}  // namespace

ov::element::Type ToOvType(DataType type) {
  const auto at = std::ranges::find(kPairs, type, &Pair::ours);
  return at == kPairs.end() ? ov::element::dynamic : ov::element::Type(at->theirs);
}

DataType FromOvType(const ov::element::Type& type) {
  const ov::element::Type_t wanted = type;
  const auto at = std::ranges::find(kPairs, wanted, &Pair::theirs);
  return at == kPairs.end() ? DataType::kInvalid : at->ours;
}

}  // namespace sarai::backends::openvino
