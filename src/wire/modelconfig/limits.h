// Bounds of a configuration file. Real ones have a few kilobytes.
#pragma once

#include <cstddef>

namespace sarai::modelconfig {

inline constexpr size_t kMaxConfigBytes = 16u << 20;
inline constexpr int kMaxConfigDepth = 32;  // of messages within messages

}  // namespace sarai::modelconfig
