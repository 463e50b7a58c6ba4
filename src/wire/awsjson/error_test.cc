#include "wire/awsjson/error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/json/json.h"

namespace sarai::awsjson {
namespace {

std::string Text(const http::Response& response) { return std::string(response.body.at(0).text()); }

json::Object Body(const http::Response& response) {
  const auto body = json::ParseObject(Text(response));
  EXPECT_TRUE(body);
  return body.value_or(json::Object());
}

TEST(JsonError, NamesTheShapeInTheBody) {
  const auto response =
      JsonError({.shape = "ValidationException", .message = "Could not find \xFF"},
                JsonVersion::k1_1, "id-1");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.Get("Content-Type"), "application/x-amz-json-1.1");
  EXPECT_EQ(response.headers.Get("x-amzn-requestid"), "id-1");
  EXPECT_FALSE(response.headers.Has("x-amzn-query-error"));
  EXPECT_EQ(Body(response).at("__type").as_string(), "ValidationException");
  EXPECT_EQ(Body(response).at("message").as_string(), "Could not find \uFFFD");
}

TEST(JsonError, AddsTheLegacyCodeThatCloudWatchsClientsCompare) {
  AwsError error{.shape = "InvalidParameterValueException",
                 .message = "m",
                 .query_code = "InvalidParameterValue"};
  const auto sender = JsonError(error, JsonVersion::k1_0, "id");
  EXPECT_EQ(sender.headers.Get("Content-Type"), "application/x-amz-json-1.0");
  EXPECT_EQ(sender.headers.Get("x-amzn-query-error"), "InvalidParameterValue;Sender");
  error.http_status = 500;
  EXPECT_EQ(JsonError(error, JsonVersion::k1_0, "id").headers.Get("x-amzn-query-error"),
            "InvalidParameterValue;Receiver");
}

TEST(RestJsonError, NamesTheShapeInAHeaderAndCarriesFurtherMembers) {
  const auto response = RestJsonError(
      {.shape = "ModelError",
       .message = "Received server error (500)",
       .http_status = 424,
       .members = {{"OriginalStatusCode", 500}, {"OriginalMessage", "{\"error\":\"x\"}"}}},
      "id-2");
  EXPECT_EQ(response.status, 424);
  EXPECT_EQ(response.headers.Get("x-amzn-ErrorType"), "ModelError");
  EXPECT_EQ(response.headers.Get("x-amzn-RequestId"), "id-2");
  EXPECT_EQ(Body(response).at("Message").as_string(), "Received server error (500)");
  EXPECT_EQ(Body(response).at("OriginalStatusCode").as_int64(), 500);
  EXPECT_EQ(Body(response).at("OriginalMessage").as_string(), "{\"error\":\"x\"}");
}

TEST(JsonAnswer, WritesAnEmptyObjectWhereThereIsNothingToSay) {
  const auto response = JsonAnswer({}, JsonVersion::k1_1, "id");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Text(response), "{}");
  EXPECT_EQ(Text(JsonAnswer({{"CreationTime", 1.7e9}}, JsonVersion::k1_1, "id")),
            R"({"CreationTime":1700000000.0})");
}

}  // namespace
}  // namespace sarai::awsjson
