// Durations counted by size, with a bounded relative error whatever their range.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace sarai::loadgen {

// Buckets of equal width within each power of two: 2^precision per octave, so that a value read
// back is off by at most 2^-(precision+1) of itself. Minimum, maximum, count and sum are exact.
class Histogram {
 public:
  explicit Histogram(int precision = 9) : precision_(precision) {}

  void Record(Duration value) { Add(value, 1); }
  // A closed loop's service time as an open loop would have seen it: while this one took `value`,
  // requests that were expected every `interval` could not be sent, and would have waited.
  void RecordCorrected(Duration value, Duration interval);
  void Merge(const Histogram& other);  // of the same precision

  uint64_t count() const { return count_; }
  Duration min() const { return count_ > 0 ? min_ : Duration(0); }
  Duration max() const { return max_; }
  Duration sum() const { return sum_; }
  Duration mean() const { return count_ > 0 ? sum_ / static_cast<int64_t>(count_) : Duration(0); }
  // The smallest value that `fraction` of all (0..1) do not exceed; 0 when empty.
  Duration Percentile(double fraction) const;
  // The share of values that are at most each value that occurs: (value, share), ascending.
  std::vector<std::pair<Duration, double>> Cumulative() const;

 private:
  void Add(Duration value, uint64_t times);
  size_t BucketOf(uint64_t nanoseconds) const;
  Duration MiddleOf(size_t bucket) const;

  int precision_;
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  Duration min_ = Duration::max(), max_{0}, sum_{0};
};

}  // namespace sarai::loadgen
