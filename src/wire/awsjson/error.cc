#include "wire/awsjson/error.h"

#include <utility>

#include <fmt/format.h>

#include "wire/json/json.h"
#include "wire/json/text.h"

namespace sarai::awsjson {
namespace {

constexpr char kRequestIdHeader[] = "x-amzn-RequestId";
constexpr char kErrorTypeHeader[] = "x-amzn-ErrorType";

const char* ContentType(JsonVersion version) {
  return version == JsonVersion::k1_0 ? "application/x-amz-json-1.0" : "application/x-amz-json-1.1";
}

http::Response Message(int status, const char* content_type, const boost::json::object& body,
                       const std::string& request_id) {
  http::Response response;
  response.status = status;
  response.headers.Set("Content-Type", content_type);
  response.headers.Set(kRequestIdHeader, request_id);
  response.body.push_back(Blob::FromString(json::Serialize(body)));
  return response;
}

boost::json::object ErrorBody(const AwsError& error, const char* message_member) {
  boost::json::object body = error.members;
  body[message_member] = json::ToValidUtf8(error.message);
  return body;
}

}  // namespace

http::Response JsonError(const AwsError& error, JsonVersion version,
                         const std::string& request_id) {
  boost::json::object body = ErrorBody(error, "message");
  body["__type"] = error.shape;
  http::Response response = Message(error.http_status, ContentType(version), body, request_id);
  if (!error.query_code.empty())
    response.headers.Set(
        "x-amzn-query-error",
        fmt::format("{};{}", error.query_code, error.http_status >= 500 ? "Receiver" : "Sender"));
  return response;
}

http::Response RestJsonError(const AwsError& error, const std::string& request_id) {
  http::Response response =
      Message(error.http_status, "application/json", ErrorBody(error, "Message"), request_id);
  response.headers.Set(kErrorTypeHeader, error.shape);
  return response;
}

http::Response JsonAnswer(const boost::json::object& body, JsonVersion version,
                          const std::string& request_id) {
  return Message(200, ContentType(version), body, request_id);
}

}  // namespace sarai::awsjson
