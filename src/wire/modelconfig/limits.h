// Bounds of a configuration file. Real ones have a few kilobytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"

namespace sarai::modelconfig {

inline constexpr size_t kMaxConfigBytes = 16u << 20;
inline constexpr int kMaxConfigDepth = 32;  // of messages within messages

// Longer waits than this mean "for ever" and must not overflow when added to a time.
inline constexpr uint64_t kMaxWaitUs = 365ull * 24 * 3600 * 1'000'000;

inline Duration FromMicroseconds(uint64_t us) {
  return std::chrono::microseconds(std::min(us, kMaxWaitUs));
}

}  // namespace sarai::modelconfig
