// The last decisions of a process, newest kept, in a ring of fixed size; optionally also appended
// to a file as JSON lines. Thread-safe.
#pragma once

#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "types/decision.h"

namespace sarai::telemetry {

std::string_view DecisionKindName(DecisionKind kind);  // "miss", "fetch", …
std::string DecisionJson(const Decision& decision);    // one line

class DecisionLog {
 public:
  explicit DecisionLog(size_t capacity = 4096, std::string file = "");
  ~DecisionLog();

  // Fills in the sequence number and returns it.
  uint64_t Add(Decision decision);
  // Oldest first, those after `since`; all models when `model` is empty.
  std::vector<Decision> Since(uint64_t since, std::string_view model = {}) const;

 private:
  mutable std::mutex mu_;
  const size_t capacity_;
  std::FILE* file_ = nullptr;
  std::deque<Decision> ring_;  // guarded by mu_
  uint64_t next_ = 1;          // guarded by mu_
};

}  // namespace sarai::telemetry
