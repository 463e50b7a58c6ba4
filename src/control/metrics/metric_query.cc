#include "control/metrics/metric_query.h"

#include <algorithm>
#include <array>

#include "base/strings.h"

namespace sarai::control {
namespace {

constexpr std::array<std::string_view, 6> kOtherPrefixes = {"tm", "wm", "tc", "ts", "pr", "iqm"};
constexpr std::array<int64_t, 5> kHighResolutionPeriods = {1, 5, 10, 20, 30};

}  // namespace

Result<Statistic> Statistic::Parse(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, Kind>, 5> kNames = {
      {{"Average", Kind::kAverage},
       {"Sum", Kind::kSum},
       {"Minimum", Kind::kMinimum},
       {"Maximum", Kind::kMaximum},
       {"SampleCount", Kind::kSampleCount}}};
  Statistic statistic;
  for (const auto& [known, kind] : kNames)
    if (known == name) {
      statistic.kind_ = kind;
      return statistic;
    }
  if (name.starts_with('p'))
    if (const auto percent = ParseDouble(name.substr(1));
        percent && *percent >= 0 && *percent <= 100) {
      statistic.kind_ = Kind::kPercentile;
      statistic.percent_ = *percent;
      return statistic;
    }
  const std::string lower = ToLower(name);
  if (std::ranges::any_of(kOtherPrefixes, [&](auto prefix) { return lower.starts_with(prefix); }))
    return Error(Code::kUnimplemented, "The statistic '{}' is not served here; percentiles are",
                 name);
  return Error(Code::kInvalidArgument, "The value '{}' for the statistic is not supported", name);
}

std::optional<double> Statistic::Of(const MetricSet& values) const {
  switch (kind_) {
    case Kind::kAverage: return values.sum / values.count;
    case Kind::kSum: return values.sum;
    case Kind::kMinimum: return values.min;
    case Kind::kMaximum: return values.max;
    case Kind::kSampleCount: return values.count;
    case Kind::kPercentile: return values.Percentile(percent_);
  }
  return std::nullopt;
}

Status CheckPeriod(int64_t period) {
  const bool fine =
      std::ranges::find(kHighResolutionPeriods, period) != kHighResolutionPeriods.end();
  if (fine || (period > 0 && period % 60 == 0)) return {};
  return MakeStatus(Code::kInvalidArgument,
                    "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60, not {}",
                    period);
}

std::map<EpochSeconds, MetricSet> Aggregate(std::span<const MetricPoint> points,
                                            EpochSeconds period) {
  std::map<EpochSeconds, MetricSet> periods;
  for (const MetricPoint& point : points)
    periods[point.start - point.start % period].Merge(point.values);
  return periods;
}

}  // namespace sarai::control
