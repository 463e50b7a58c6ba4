// The handlers of CloudWatch's operations. All run on the metrics strand.
#pragma once

#include <functional>

#include "control/handlers/call.h"
#include "control/metrics/metric_recorder.h"
#include "control/metrics/metric_store.h"

namespace sarai::control {

struct CloudWatchServices {
  MetricStore& store;
  MetricRecorder& recorder;
  const Clock& clock;
  std::function<void()> flush;  // brings what has been recorded into the store
};

ApiResult GetMetricData(CloudWatchServices& services, const ApiCall& call);
ApiResult GetMetricStatistics(CloudWatchServices& services, const ApiCall& call);
ApiResult ListMetrics(CloudWatchServices& services, const ApiCall& call);
ApiResult PutMetricData(CloudWatchServices& services, const ApiCall& call);

// Runs the operation of that name after checking its members.
ApiResult HandleCloudWatch(CloudWatchServices& services, const ApiCall& call);

// CloudWatch's errors carry two names: the shape's, and the older code that clients compare.
AwsError CloudWatchErrorOf(const Status& status);
std::unexpected<AwsError> InvalidParameterValue(std::string message);
std::unexpected<AwsError> InvalidParameterCombination(std::string message);
std::unexpected<AwsError> CloudWatchValidationError(std::string message);

// Namespace, MetricName and Dimensions, sorted.
Result<MetricId> MetricIdIn(const json::ObjectView& metric);

struct TimeRange {
  EpochSeconds from = 0, to = 0;  // inclusive, exclusive
};
// StartTime and EndTime; error: kInvalidArgument unless the first is before the second.
Result<TimeRange> TimeRangeIn(const json::ObjectView& body);

}  // namespace sarai::control
