// From points to what CloudWatch answers: statistics per period. Pure.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "control/metrics/metric_store.h"

namespace sarai::control {

class Statistic {
 public:
  // "Average", "Sum", "Minimum", "Maximum", "SampleCount", "p90", "p99.9".
  // Error: kUnimplemented for CloudWatch's other statistics, kInvalidArgument for what is none.
  static Result<Statistic> Parse(std::string_view name);

  // Nothing where the data does not have it (percentiles of sets that came as a whole).
  std::optional<double> Of(const MetricSet& values) const;

 private:
  enum class Kind { kAverage, kSum, kMinimum, kMaximum, kSampleCount, kPercentile };
  Kind kind_ = Kind::kAverage;
  double percent_ = 0;
};

// 1, 5, 10, 20, 30 or a multiple of 60 seconds.
Status CheckPeriod(int64_t period);

// By the begin of the period; periods without data are not in it.
std::map<EpochSeconds, MetricSet> Aggregate(std::span<const MetricPoint> points,
                                            EpochSeconds period);

}  // namespace sarai::control
