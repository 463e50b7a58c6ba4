// How busy processors and lanes were over the last seconds. Thread-safe.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"

namespace sarai::instance {

class UtilizationMeter {
 public:
  explicit UtilizationMeter(Duration window = std::chrono::seconds(10)) : window_(window) {}

  // CPU seconds of each process so far; the share of lanes that was busy since the last sample.
  void Add(TimePoint now, const std::map<int, double>& cpu_seconds_by_pid, double lanes_busy);

  double cpu_percent() const;   // summed over processors: 0..100 × their number
  double lane_percent() const;  // 0..100

 private:
  struct Sample {
    TimePoint at;
    Duration covers;
    double cpu_seconds;  // of all processes in that time
    double lanes_busy;
  };

  const Duration window_;
  mutable std::mutex mu_;
  std::deque<Sample> samples_;          // guarded by mu_
  std::map<int, double> last_seconds_;  // by pid; guarded by mu_
  TimePoint last_at_{};                 // guarded by mu_
};

}  // namespace sarai::instance
