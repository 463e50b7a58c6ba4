#include "control/handlers/cloudwatch.h"

#include <algorithm>
#include <cmath>

namespace sarai::control {
namespace {

AwsError Named(const char* shape, const char* code, std::string message, int http_status = 400) {
  return {.shape = shape,
          .message = std::move(message),
          .http_status = http_status,
          .query_code = code};
}

// The years that fit: from the epoch to 9999.
constexpr double kMaxEpoch = 253'402'300'799.0;

}  // namespace

AwsError CloudWatchErrorOf(const Status& status) {
  switch (status.code()) {
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kUnimplemented:
      return Named("InvalidParameterValueException", "InvalidParameterValue", status.message());
    default: return Named("InternalServiceFault", "InternalServiceError", status.message(), 500);
  }
}

std::unexpected<AwsError> InvalidParameterValue(std::string message) {
  return std::unexpected(
      Named("InvalidParameterValueException", "InvalidParameterValue", std::move(message)));
}

std::unexpected<AwsError> InvalidParameterCombination(std::string message) {
  return std::unexpected(Named("InvalidParameterCombinationException",
                               "InvalidParameterCombination", std::move(message)));
}

std::unexpected<AwsError> CloudWatchValidationError(std::string message) {
  return std::unexpected(Named("ValidationError", "ValidationError", std::move(message)));
}

Result<MetricId> MetricIdIn(const json::ObjectView& metric) {
  MetricId id;
  SARAI_TRY(id.name_space, metric.RequireString("Namespace"));
  SARAI_TRY(id.name, metric.RequireString("MetricName"));
  SARAI_TRY(const auto dimensions, metric.Children("Dimensions"));
  for (const json::ObjectView& dimension : dimensions) {
    SARAI_TRY(std::string name, dimension.RequireString("Name"));
    SARAI_TRY(std::string value, dimension.RequireString("Value"));
    id.dimensions.emplace_back(std::move(name), std::move(value));
  }
  std::ranges::sort(id.dimensions);
  return id;
}

Result<TimeRange> TimeRangeIn(const json::ObjectView& body) {
  SARAI_TRY(const double from, body.RequireDouble("StartTime"));
  SARAI_TRY(const double to, body.RequireDouble("EndTime"));
  for (const double time : {from, to})
    if (!(time >= 0 && time <= kMaxEpoch))
      return Error(Code::kInvalidArgument, "The time {} is no number of seconds since 1970", time);
  if (from == to)
    return Error(Code::kInvalidArgument,
                 "The parameter StartTime must not equal parameter EndTime.");
  if (from > to)
    return Error(Code::kInvalidArgument,
                 "The parameter StartTime must be less than the parameter EndTime.");
  return TimeRange{static_cast<EpochSeconds>(std::floor(from)),
                   static_cast<EpochSeconds>(std::ceil(to))};
}

}  // namespace sarai::control
