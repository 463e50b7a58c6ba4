#include <gtest/gtest.h>

#include "gateway/testing/gateway_fixture.h"
#include "wire/http/text_of.h"
#include "wire/mme/mme.h"

namespace sarai::gateway {
namespace {

using net::SendError;
using net::SimulatedTransport;
using std::chrono::milliseconds;
using std::chrono::seconds;

http::Response ErrorAnswer(int status, Code code, const std::string& message) {
  http::Response response = Text(status, "{\"error\":\"" + message + "\"}");
  response.headers.Set(mme::kErrorCodeHeader, std::string(CodeName(code)));
  return response;
}

std::string BodyOf(const http::Response& response) { return http::TextOf(response); }

http::Request InvokeOf(const std::string& model, const std::string& endpoint) {
  http::Request request{.method = "POST", .target = "/endpoints/" + endpoint + "/invocations"};
  if (!model.empty()) request.headers.Set(mme::kTargetModelHeader, model);
  request.body = Blob::FromString("body");
  return request;
}

class GatewayTest : public GatewayFixture {
 protected:
  auto Start(const std::string& model) { return GatewayFixture::Start(InvokeOf(model, "e")); }
  http::Response Invoke(const std::string& model, const std::string& endpoint = "e") {
    return Ask(InvokeOf(model, endpoint));
  }
  std::vector<std::string> Invoked() const { return SentTo(); }
};

TEST_F(GatewayTest, ForwardsAndAnswersWithAwsHeaders) {
  Serve("a", [] {
    http::Response response = Text(200, "result");
    response.headers.Set("Content-Type", "application/json");
    response.headers.Set(mme::kModelStateHeader, "cold");
    response.headers.Set(mme::kWaitMsHeader, "12.5");
    return response;
  });
  Publish({{"i-a", "a", true}});
  const http::Response answer = Invoke("m.tar.gz");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(BodyOf(answer), "result");
  EXPECT_EQ(answer.headers.Get("Content-Type"), "application/json");
  EXPECT_EQ(answer.headers.Get("x-Amzn-Invoked-Production-Variant"), "AllTraffic");
  EXPECT_EQ(answer.headers.Get("x-amzn-RequestId"), "request-1");
  EXPECT_EQ(answer.headers.Get(mme::kInstanceHeader), "i-a");
  EXPECT_EQ(answer.headers.Get(mme::kModelStateHeader), "cold");
  EXPECT_EQ(Metric("Invocations"), 1);
  EXPECT_EQ(Metric("ModelCacheHit"), 0);
  EXPECT_EQ(Metric("ModelLoadingWaitTime"), 12500);
}

struct ErrorCase {
  int status;
  Code code;
  int expected_status;
  const char* expected_type;
};

TEST_F(GatewayTest, SaysTheContainersErrorsInAwsWords) {
  const ErrorCase cases[] = {
      {400, Code::kInvalidArgument, 424, "ModelError"},
      {404, Code::kNotFound, 400, "ValidationError"},
      {429, Code::kDeadlineExceeded, 429, "ModelNotReadyException"},
      {507, Code::kResourceExhausted, 424, "ModelError"},
      {500, Code::kInternal, 424, "ModelError"},
  };
  for (const ErrorCase& error : cases) {
    Serve("a", [&] { return ErrorAnswer(error.status, error.code, "some text"); });
    Publish({{"i-a", "a", true}});
    const http::Response answer = Invoke("m.tar.gz");
    EXPECT_EQ(answer.status, error.expected_status) << error.status;
    EXPECT_EQ(answer.headers.Get("x-amzn-ErrorType"), error.expected_type);
    EXPECT_NE(BodyOf(answer).find("some text"), std::string::npos);
    if (error.expected_status != 424) continue;
    EXPECT_NE(BodyOf(answer).find("\"OriginalStatusCode\":" + std::to_string(error.status)),
              std::string::npos)
        << BodyOf(answer);
  }
}

TEST_F(GatewayTest, RefusesUnknownEndpointsAndWrongUseOfTargetModel) {
  Serve("a", [] { return Text(200, ""); });
  Publish({{"i-a", "a", true}});
  EXPECT_NE(BodyOf(Invoke("m", "other")).find("Endpoint other of account 123456789012 not found"),
            std::string::npos);
  EXPECT_NE(BodyOf(Invoke("")).find("missing a target model header"), std::string::npos);
  Publish({{"i-a", "a", true}}, /*multi_model=*/false);
  EXPECT_NE(BodyOf(Invoke("m")).find("is not a multi-model endpoint"), std::string::npos);
  EXPECT_EQ(Invoke("").status, 200);
  EXPECT_EQ(Invoked(), std::vector<std::string>{"a"});
}

TEST_F(GatewayTest, StaysWithTheInstanceThatAnswered) {
  for (const char* address : {"a", "b", "c"}) Serve(address, [] { return Text(200, ""); });
  Publish({{"i-a", "a", true}, {"i-b", "b", true}, {"i-c", "c", true}});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Invoke("m.tar.gz").status, 200);
  const auto invoked = Invoked();
  EXPECT_EQ(invoked, std::vector<std::string>(5, invoked.front()));
}

TEST_F(GatewayTest, FollowsTheResidencyFeed) {
  for (const char* address : {"a", "b"}) Serve(address, [] { return Text(200, ""); });
  transport_.HoldPeer("a");
  transport_.HoldPeer("b");
  Publish({{"i-a", "a", true}, {"i-b", "b", true}});
  const std::string resident =
      R"({"version":3,"models":[{"model":"m","state":"ready","memory_bytes":1}]})";
  const std::string empty = R"({"version":3,"models":[]})";
  for (const char* holder : {"a", "b"}) {
    ASSERT_TRUE(transport_.Complete("a", Text(200, holder[0] == 'a' ? resident : empty)));
    ASSERT_TRUE(transport_.Complete("b", Text(200, holder[0] == 'b' ? resident : empty)));
    const auto answer = Start("m");
    EXPECT_EQ(Invoked().back(), holder);
    // The held feed is asked again before the invoke: let both go on to the invoke.
    transport_.Complete(holder, Text(200, empty));
    transport_.Complete(holder, Text(200, ""));
  }
}

TEST_F(GatewayTest, SendsOnceMoreElsewhereOnlyWhenNoByteCameBack) {
  for (const bool nothing_back : {true, false}) {
    const size_t before = Invoked().size();
    for (const char* address : {"a", "b"})
      Serve(address, [&]() -> Answer {
        if (Invoked().size() == before + 1)
          return std::unexpected(SendError{Status(Code::kUnavailable, "broken"), nothing_back});
        return Text(200, "");
      });
    Publish(
        {{"i-a" + std::to_string(before), "a", true}, {"i-b" + std::to_string(before), "b", true}});
    const http::Response answer = Invoke("m");
    EXPECT_EQ(answer.status, nothing_back ? 200 : 424);
    EXPECT_EQ(Invoked().size() - before, nothing_back ? 2u : 1u);
  }
}

TEST_F(GatewayTest, ATimeoutIsNotRetried) {
  Serve("a", []() -> Answer {
    return std::unexpected(SendError{Status(Code::kDeadlineExceeded, "60 s"), true});
  });
  Publish({{"i-a", "a", true}});
  const http::Response answer = Invoke("m");
  EXPECT_EQ(answer.status, 424);
  EXPECT_NE(BodyOf(answer).find("timed out"), std::string::npos);
  EXPECT_EQ(Invoked().size(), 1u);
}

TEST_F(GatewayTest, AClientThatLeavesTakesItsRequestBackFromTheInstance) {
  Serve("a", []() -> Answer { return http::Response{}; });
  Publish({{"i-a", "a", true}});
  http::Request request = InvokeOf("m", "e");
  request.cancellation = std::make_shared<Cancellation>();
  Ask(request);
  ASSERT_EQ(Invoked().size(), 1u);
  EXPECT_EQ(Sent().front().options.cancellation, request.cancellation);
}

TEST_F(GatewayTest, HoldsRequestsUntilAnInstanceIsBack) {
  Serve("a", [] { return Text(200, "late"); });
  Publish({{"i-a", "a", false}});
  const auto answer = Start("m");
  EXPECT_FALSE(answer->has_value());
  Publish({{"i-a", "a", true}});
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ(BodyOf(**answer), "late");
}

TEST_F(GatewayTest, AHoldEndsWithServiceUnavailable) {
  Publish({{"i-a", "a", false}});
  const auto answer = Start("m");
  executor_.RunFor(seconds(16));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->status, 503);
  EXPECT_EQ((*answer)->headers.Get("x-amzn-ErrorType"), "ServiceUnavailable");
}

TEST_F(GatewayTest, ARequestWhoseInstanceWasKilledWaitsForTheNextOne) {
  Publish({{"i-a", "gone", true}});  // control has not noticed yet: connections are refused
  const auto answer = Start("m");
  EXPECT_FALSE(answer->has_value());
  Serve("new", [] { return Text(200, "from the new one"); });
  Publish({{"i-a", "new", true}});
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ(BodyOf(**answer), "from the new one");
}

TEST_F(GatewayTest, AnInstanceThatLetsItsFeedGoIsPassedOver) {
  for (const char* address : {"a", "b"}) transport_.HoldPeer(address);
  Publish({{"i-a", "a", true}, {"i-b", "b", true}});
  const std::string holds = R"({"version":3,"models":[{"model":"m","state":"ready"}]})";
  ASSERT_TRUE(transport_.Complete("a", Text(200, holds)));
  ASSERT_TRUE(transport_.Complete("b", Text(200, R"({"version":3,"models":[]})")));
  transport_.RemovePeer("a");
  const auto answer = Start("m");
  EXPECT_EQ(Invoked(), std::vector<std::string>{"b"});
}

TEST_F(GatewayTest, ARequestWhoseInstancesWereAllKilledWaitsForOneToComeBack) {
  const std::vector<http::Request> requests = {InvokeOf("m", "e"),
                                               {.method = "POST",
                                                .target = "/endpoints/e/v2/models/m/infer",
                                                .body = Blob::FromString("{}")}};
  for (const http::Request& request : requests) {
    transport_.RemovePeer("new");
    Publish({{"i-a", "gone", true}, {"i-b", "gone too", true}, {"i-c", "also gone", true}});
    const auto answer = GatewayFixture::Start(request);
    EXPECT_FALSE(answer->has_value());
    Serve("new", [] { return Text(200, "late"); });
    Publish({{"i-a", "new", true}});
    ASSERT_TRUE(answer->has_value());
    EXPECT_EQ(BodyOf(**answer), "late");
  }
  Publish({{"i-d", "gone", true}, {"i-e", "gone too", true}});
  const auto answer = GatewayFixture::Start(requests.back());
  executor_.RunFor(seconds(16));
  ASSERT_TRUE(answer->has_value());
  EXPECT_EQ((*answer)->status, 503);
  EXPECT_NE(BodyOf(**answer).find("none came back"), std::string::npos);
}

TEST_F(GatewayTest, StopAnswersWhatIsHeldAndRefusesTheRest) {
  Publish({{"i-a", "a", false}});
  const auto held = Start("m");
  gateway_.Stop();
  ASSERT_TRUE(held->has_value());
  EXPECT_EQ((*held)->status, 503);
  EXPECT_EQ(Invoke("m").status, 503);
}

}  // namespace
}  // namespace sarai::gateway
