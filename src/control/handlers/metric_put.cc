// PutMetricData: custom metrics, kept like our own.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/strings.h"
#include "control/handlers/cloudwatch.h"

namespace sarai::control {
namespace {

constexpr size_t kMaxData = 1000;   // per call
constexpr size_t kMaxValues = 150;  // per datum
constexpr size_t kMaxDimensions = 30;

// A datum's time, at most two weeks ago and two hours ahead.
constexpr std::chrono::hours kOldest{14 * 24}, kNewest{2};

Result<std::vector<double>> Numbers(const json::ObjectView& datum, std::string_view member) {
  std::vector<double> numbers;
  const json::Value* const value = datum.object().if_contains(member);
  if (value == nullptr || value->is_null()) return numbers;
  const auto* const list = value->if_array();
  if (list == nullptr || list->size() > kMaxValues)
    return Error(Code::kInvalidArgument, "The parameter {} must be a list of at most {} numbers",
                 member, kMaxValues);
  for (const json::Value& element : *list) {
    if (!element.is_number())
      return Error(Code::kInvalidArgument, "The parameter {} must hold numbers only", member);
    numbers.push_back(element.to_number<double>());
  }
  return numbers;
}

void AddMany(MetricSet& set, double value, double count) {
  set.Merge({.count = count, .sum = value * count, .min = value, .max = value});
  set.bins.Add(MetricBins::BinOf(value), count);
}

Result<MetricSet> ReadStatisticSet(const json::ObjectView& view) {
  MetricSet set;
  SARAI_TRY(set.count, view.RequireDouble("SampleCount"));
  SARAI_TRY(set.sum, view.RequireDouble("Sum"));
  SARAI_TRY(set.min, view.RequireDouble("Minimum"));
  SARAI_TRY(set.max, view.RequireDouble("Maximum"));
  return set;
}

Result<MetricSet> ReadValues(const json::ObjectView& datum) {
  SARAI_TRY(const auto value, datum.Double("Value"));
  SARAI_TRY(const auto statistics, datum.Child("StatisticValues"));
  SARAI_TRY(const auto values, Numbers(datum, "Values"));
  SARAI_TRY(const auto counts, Numbers(datum, "Counts"));
  MetricSet set;
  if (value) {
    set.Add(*value);
  } else if (statistics) {
    SARAI_TRY(set, ReadStatisticSet(*statistics));
  } else if (!counts.empty() && counts.size() != values.size()) {
    return Error(Code::kInvalidArgument, "The parameters Values and Counts differ in length");
  } else {
    for (size_t i = 0; i < values.size(); ++i)
      AddMany(set, values[i], counts.empty() ? 1 : counts[i]);
  }
  const bool finite = std::isfinite(set.count) && std::isfinite(set.sum) &&
                      std::isfinite(set.min) && std::isfinite(set.max);
  if (!finite || set.count <= 0)
    return Error(Code::kInvalidArgument,
                 "A datum needs finite Value, StatisticValues, or Values with positive Counts");
  return set;
}

Result<WallTime> ReadTime(const json::ObjectView& datum, WallTime now) {
  SARAI_TRY(const auto timestamp, datum.Double("Timestamp"));
  if (!timestamp) return now;
  const double now_seconds = EpochOf(now);
  const double oldest = now_seconds - std::chrono::duration<double>(kOldest).count();
  const double newest = now_seconds + std::chrono::duration<double>(kNewest).count();
  if (!(*timestamp >= oldest && *timestamp <= newest))
    return Error(Code::kInvalidArgument,
                 "The parameter Timestamp must be at most two weeks in the past and two hours in "
                 "the future, not {}",
                 *timestamp);
  return WallTime(std::chrono::microseconds(static_cast<int64_t>(*timestamp * 1e6)));
}

Result<MetricSample> ReadDatum(const json::ObjectView& datum, const std::string& name_space,
                               WallTime now) {
  json::Object metric = datum.object();
  metric["Namespace"] = name_space;
  MetricSample sample;
  SARAI_TRY(sample.id, MetricIdIn(json::ObjectView(metric)));
  if (sample.id.dimensions.size() > kMaxDimensions)
    return Error(Code::kInvalidArgument, "{} dimensions are more than the {} allowed",
                 sample.id.dimensions.size(), kMaxDimensions);
  SARAI_TRY(const auto unit, datum.String("Unit"));
  sample.unit = unit.value_or("None");
  SARAI_TRY(sample.at, ReadTime(datum, now));
  SARAI_TRY(sample.values, ReadValues(datum));
  return sample;
}

Status CheckNamespace(std::string_view name) {
  static constexpr std::array<std::string_view, 2> kOwn = {"AWS/", "/aws/"};
  const bool own = std::ranges::any_of(kOwn, [&](std::string_view prefix) {
    return EqualsIgnoreCase(name.substr(0, prefix.size()), prefix);
  });
  if (!own) return {};
  return MakeStatus(Code::kInvalidArgument,
                    "The namespace '{}' is the service's own; choose one that does not begin with "
                    "AWS/",
                    name);
}

Result<std::vector<MetricSample>> ReadData(const json::ObjectView& body, WallTime now) {
  SARAI_TRY(const std::string name_space, body.RequireString("Namespace"));
  SARAI_CHECK_OK(CheckNamespace(name_space));
  SARAI_TRY(const auto data, body.Children("MetricData"));
  if (data.size() > kMaxData)
    return Error(Code::kInvalidArgument, "MetricData has {} elements, more than the {} allowed",
                 data.size(), kMaxData);
  std::vector<MetricSample> samples;
  for (const json::ObjectView& datum : data) {
    SARAI_TRY(MetricSample sample, ReadDatum(datum, name_space, now));
    samples.push_back(std::move(sample));
  }
  return samples;
}

}  // namespace

ApiResult PutMetricData(CloudWatchServices& services, const ApiCall& call) {
  auto samples = ReadData(call.view(), services.clock.WallNow());
  if (!samples) return std::unexpected(CloudWatchErrorOf(samples.error()));
  for (MetricSample& sample : *samples) services.recorder.Add(std::move(sample));
  return json::Object();
}

}  // namespace sarai::control
