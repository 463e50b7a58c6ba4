#include "control/handlers/call.h"

#include <array>

#include "base/strings.h"

namespace sarai::control {
namespace {

struct KindWords {
  const char* in_arn;
  const char* in_text;
};

KindWords WordsOf(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kModel: return {"model", "model"};
    case ResourceKind::kEndpointConfig: return {"endpoint-config", "endpoint configuration"};
    case ResourceKind::kEndpoint: return {"endpoint", "endpoint"};
  }
  return {"", ""};
}

}  // namespace

AwsError ErrorOf(const Status& status) {
  switch (status.code()) {
    case Code::kInvalidArgument:
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kFailedPrecondition:
    case Code::kUnimplemented: return {"ValidationException", status.message()};
    case Code::kUnavailable:
    case Code::kCancelled:
    case Code::kDeadlineExceeded:
      return {.shape = "ServiceUnavailable", .message = status.message(), .http_status = 503};
    case Code::kPermissionDenied:
    case Code::kResourceExhausted:
    case Code::kDataLoss:
    case Code::kInternal: break;
  }
  return {.shape = "InternalFailure", .message = status.message(), .http_status = 500};
}

std::unexpected<AwsError> ValidationException(std::string message) {
  return std::unexpected(AwsError{"ValidationException", std::move(message)});
}

std::string ArnOf(ResourceKind kind, std::string_view name, const std::string& region,
                  const std::string& account) {
  return fmt::format("arn:aws:sagemaker:{}:{}:{}/{}", region, account, WordsOf(kind).in_arn,
                     ToLower(name));
}

std::unexpected<AwsError> CouldNotFind(ResourceKind kind, std::string_view arn) {
  return ValidationException(fmt::format("Could not find {} \"{}\".", WordsOf(kind).in_text, arn));
}

std::unexpected<AwsError> AlreadyExists(ResourceKind kind, std::string_view arn) {
  return ValidationException(
      fmt::format("Cannot create already existing {} \"{}\".", WordsOf(kind).in_text, arn));
}

double EpochOf(WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace sarai::control
