#include "policy/short_runs.h"

#include <algorithm>

namespace sarai::policy {
namespace {

constexpr int kGapWeight = 8;  // one arrival moves the average by an eighth
constexpr Duration kGapMax = std::chrono::seconds(1);

}  // namespace

void ShortRuns::OnArrival(TimePoint now) {
  if (!limits_.batches) return;
  const Duration gap = std::clamp(now - last_arrival_, Duration{0}, kGapMax);
  last_arrival_ = now;
  gap_ += (gap - gap_) / kGapWeight;
}

void ShortRuns::OnRun(Duration run, uint64_t input_bytes) {
  if (limits_.median_max <= Duration{0}) return;
  runs_[seen_ % kRunsSeen] = run;
  bytes_[seen_ % kRunsSeen] = input_bytes;
  ++seen_;
  // A long one counts at once; that the runs are short is looked at once a round.
  if (run > kLongestFactor * limits_.median_max) short_ = false;
  if (seen_ % kRunsSeen == 0) Judge();
}

void ShortRuns::Judge() {
  auto sorted = runs_;
  std::ranges::sort(sorted);
  median_ = sorted[kRunsSeen / 2];
  bytes_max_ = std::ranges::max(bytes_);
  short_ = median_ < limits_.median_max && sorted.back() <= kLongestFactor * limits_.median_max;
}

bool ShortRuns::Expects(uint64_t input_bytes) const {
  if (!short_ || input_bytes / kBytesFactor > bytes_max_) return false;
  return !limits_.batches || gap_ >= median_;
}

}  // namespace sarai::policy
