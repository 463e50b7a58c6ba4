// Every decision says why: one record with its numbers. Shown by `sarai explain`, the decision log
// and the residency feed.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "base/clock.h"

namespace sarai {

enum class DecisionKind {
  kMiss,
  kFetch,
  kLoad,
  kUnload,
  kEvict,
  kDeleteFromDisk,
  kSwap,
  kRefuse,
  kFail,
  kStart,
  kStop,
  kRoute
};

struct Decision {
  uint64_t sequence = 0;  // ascending per process, no gaps
  WallTime at;
  DecisionKind kind = DecisionKind::kMiss;
  std::string model;     // what a client calls it: TargetModel, or repository name
  std::string instance;  // empty in an instance's own log
  std::string reason;    // a sentence: "needs 122 MiB, 40 MiB free: least worth of 8 (0.004/s·MiB)"
  std::map<std::string, double> numbers;  // units last: "load_ms", "free_bytes"
};

}  // namespace sarai
