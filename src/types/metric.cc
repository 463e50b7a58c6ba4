#include "types/metric.h"

#include <algorithm>
#include <cmath>

namespace sarai {
namespace {

const double kLogGrowth = std::log(1.02);
// Bins of positive values begin here, so that 10^-9 still has one of its own below them.
constexpr int32_t kOffset = 2000;
constexpr int32_t kMaxBin = 40000;

}  // namespace

int32_t MetricBins::BinOf(double value) {
  if (value == 0 || std::isnan(value)) return 0;
  const double exponent = std::floor(std::log(std::abs(value)) / kLogGrowth);
  const auto bin =
      static_cast<int32_t>(std::clamp(exponent + kOffset, 1.0, static_cast<double>(kMaxBin)));
  return value > 0 ? bin : -bin;
}

double MetricBins::ValueOf(int32_t bin) {
  if (bin == 0) return 0;
  const double value = std::exp((std::abs(bin) - kOffset + 0.5) * kLogGrowth);
  return bin > 0 ? value : -value;
}

void MetricBins::Add(int32_t bin, double count) {
  const auto at = std::ranges::lower_bound(counts, bin, {}, &std::pair<int32_t, double>::first);
  if (at != counts.end() && at->first == bin) {
    at->second += count;
    return;
  }
  counts.insert(at, {bin, count});
}

void MetricBins::Merge(const MetricBins& other) {
  if (counts.empty()) {
    counts = other.counts;
    return;
  }
  for (const auto& [bin, count] : other.counts) Add(bin, count);
}

double MetricBins::Total() const {
  double total = 0;
  for (const auto& [bin, count] : counts) total += count;
  return total;
}

void MetricSet::Add(double value) {
  min = count == 0 ? value : std::min(min, value);
  max = count == 0 ? value : std::max(max, value);
  count += 1;
  sum += value;
  bins.Add(MetricBins::BinOf(value), 1);
}

void MetricSet::Merge(const MetricSet& other) {
  if (other.count == 0) return;
  min = count == 0 ? other.min : std::min(min, other.min);
  max = count == 0 ? other.max : std::max(max, other.max);
  count += other.count;
  sum += other.sum;
  bins.Merge(other.bins);
}

std::optional<double> MetricSet::Percentile(double percent) const {
  if (count == 0) return std::nullopt;
  if (min == max) return min;
  if (std::abs(bins.Total() - count) > 1e-6 * count) return std::nullopt;
  if (percent <= 0) return min;
  if (percent >= 100) return max;
  const double rank = percent / 100 * count;
  double seen = 0;
  for (const auto& [bin, times] : bins.counts) {
    seen += times;
    if (seen >= rank) return std::clamp(MetricBins::ValueOf(bin), min, max);
  }
  return max;
}

}  // namespace sarai
