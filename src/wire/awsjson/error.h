// An AWS error, and how each protocol puts it on the wire.
// Sources: Smithy's awsJson1_0, awsJson1_1 and restJson1 protocols; botocore's parsers.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "wire/http/message.h"

namespace sarai::awsjson {

struct AwsError {
  std::string shape;    // "ValidationException"
  std::string message;  // for a person
  int http_status = 400;
  std::string query_code;       // CloudWatch only: the legacy code, "InvalidParameterValue"
  boost::json::object members;  // further members of the shape: OriginalStatusCode, …
};

enum class JsonVersion { k1_0, k1_1 };

// {"__type": shape, "message": …}; x-amzn-query-error where there is a legacy code.
http::Response JsonError(const AwsError& error, JsonVersion version, const std::string& request_id);

// Header x-amzn-ErrorType, body {"Message": …} (SageMaker Runtime).
http::Response RestJsonError(const AwsError& error, const std::string& request_id);

// 200 with a JSON body; an empty object is written as {}.
http::Response JsonAnswer(const boost::json::object& body, JsonVersion version,
                          const std::string& request_id);

}  // namespace sarai::awsjson
