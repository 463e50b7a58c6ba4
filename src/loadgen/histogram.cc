#include "loadgen/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sarai::loadgen {

size_t Histogram::BucketOf(uint64_t value) const {
  const int octave = std::bit_width(value) - 1 - precision_;
  if (octave <= 0) return value;  // below 2^(precision+1) each value has a bucket of its own
  return (static_cast<size_t>(octave) << precision_) + (value >> octave);
}

Duration Histogram::MiddleOf(size_t bucket) const {
  const size_t exact = size_t{2} << precision_;
  if (bucket < exact) return Duration(bucket);
  const int octave = static_cast<int>(bucket >> precision_) - 1;
  const uint64_t low = (bucket - (static_cast<size_t>(octave) << precision_)) << octave;
  return Duration(low + (uint64_t{1} << octave) / 2);
}

void Histogram::Add(Duration value, uint64_t times) {
  value = std::max(value, Duration(0));
  const size_t bucket = BucketOf(static_cast<uint64_t>(value.count()));
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  counts_[bucket] += times;
  count_ += times;
  min_ = std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ += value * static_cast<int64_t>(times);
}

void Histogram::RecordCorrected(Duration value, Duration interval) {
  Record(value);
  if (interval <= Duration(0)) return;
  for (Duration missing = value - interval; missing >= interval; missing -= interval)
    Record(missing);
}

void Histogram::Merge(const Histogram& other) {
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
  for (size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

Duration Histogram::Percentile(double fraction) const {
  if (count_ == 0) return Duration(0);
  const auto rank = std::max<uint64_t>(
      1, static_cast<uint64_t>(std::ceil(fraction * static_cast<double>(count_) - 1e-9)));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i)
    if ((seen += counts_[i]) >= rank) return std::clamp(MiddleOf(i), min_, max_);
  return max_;
}

std::vector<std::pair<Duration, double>> Histogram::Cumulative() const {
  std::vector<std::pair<Duration, double>> points;
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    seen += counts_[i];
    points.emplace_back(std::clamp(MiddleOf(i), min_, max_),
                        static_cast<double>(seen) / static_cast<double>(count_));
  }
  return points;
}

}  // namespace sarai::loadgen
