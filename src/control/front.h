// AWS JSON on the wire -> a call of one of our services. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "control/handlers/call.h"
#include "wire/awsjson/error.h"
#include "wire/http/message.h"

namespace sarai::control {

enum class Service { kSageMaker, kCloudWatch };

struct ServiceCall {
  Service service = Service::kSageMaker;
  ApiCall call;
};

// How errors and answers of a request are written; known even when the request is refused.
awsjson::JsonVersion VersionOf(const http::Request& request);

// Errors: UnknownOperationException for another path, method or service; SerializationException for
// a body that is no JSON object, too long, or compressed badly.
std::expected<ServiceCall, AwsError> ParseCall(const http::Request& request,
                                               uint64_t max_body_bytes,
                                               const std::string& default_region);

// gzip, as new AWS clients send PutMetricData. Error: kDataLoss, kResourceExhausted above the
// bound.
Result<std::string> Gunzip(std::string_view bytes, uint64_t max_bytes);

}  // namespace sarai::control
