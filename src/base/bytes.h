// Byte counts as people write them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace sarai {

constexpr uint64_t kKiB = 1024;
constexpr uint64_t kMiB = 1024 * kKiB;
constexpr uint64_t kGiB = 1024 * kMiB;

// "512", "64KiB", "1.5GiB", "20GB" (10^9), "2g" (GiB), case-insensitive, no sign.
Result<uint64_t> ParseBytes(std::string_view text);

// 1536 -> "1.5 KiB"; three significant digits.
std::string FormatBytes(uint64_t bytes);

}  // namespace sarai
