#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/testing/gateway_fixture.h"
#include "wire/http/text_of.h"
#include "wire/kserve/management.h"
#include "wire/mme/mme.h"

namespace sarai::gateway {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

GatewayOptions Restricted() {
  GatewayOptions options;
  options.kserve.http_restrictions = *kserve::RestrictedApis::Parse({"model-repository:key=open"});
  options.kserve.max_index_entries = 2;
  return options;
}

class HttpFrontTest : public GatewayFixture {
 protected:
  HttpFrontTest() : GatewayFixture(Restricted()) {}

  static http::Request Post(std::string target, std::string body = "{}") {
    return {.method = "POST", .target = std::move(target), .body = Blob::FromString(body)};
  }
  static http::Request Get(std::string target) {
    return {.method = "GET", .target = std::move(target)};
  }
  http::Response Infer(std::string target = "/endpoints/e/v2/models/m/infer") {
    return Ask(Post(std::move(target)));
  }
};

TEST_F(HttpFrontTest, PassesAnInferenceOnAsItIsAndItsAnswerBack) {
  Serve("a", [] {
    http::Response response = Text(200, "answer");
    response.headers.Add("Inference-Header-Content-Length", "3");
    response.headers.Add(std::string(mme::kModelStateHeader), "cold");
    response.headers.Add(std::string(mme::kWaitMsHeader), "12.5");
    return response;
  });
  Publish({{"i-a", "a", true}});
  http::Request request = Post("/endpoints/e/v2/models/a/b.tar.gz/infer?x=1", "the body");
  request.headers.Add("Inference-Header-Content-Length", "5");
  request.headers.Add("Host", "somewhere");
  const http::Response answer = Ask(std::move(request));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(http::TextOf(answer), "answer");
  EXPECT_EQ(answer.headers.Get("Inference-Header-Content-Length"), "3");
  EXPECT_EQ(answer.headers.Get(mme::kInstanceHeader), "i-a");
  const auto sent = Sent().at(0).request;
  EXPECT_EQ(sent.target, "/v2/models/a%2Fb.tar.gz/infer?x=1");
  EXPECT_EQ(sent.body.text(), "the body");
  EXPECT_EQ(sent.headers.Get("Inference-Header-Content-Length"), "5");
  EXPECT_FALSE(sent.headers.Has("Host"));
  EXPECT_EQ(Metric("Invocations"), 1);
  EXPECT_EQ(Metric("ModelCacheHit"), 0);
  EXPECT_EQ(Metric("ModelLoadingWaitTime"), 12500);
}

TEST_F(HttpFrontTest, PassesErrorsOnInTheInstancesWords) {
  Serve("a", [] { return Text(404, R"({"error":"no such model"})"); });
  Publish({{"i-a", "a", true}});
  const http::Response answer = Infer();
  EXPECT_EQ(answer.status, 404);
  EXPECT_EQ(http::TextOf(answer), R"({"error":"no such model"})");
  EXPECT_EQ(Metric("Invocation4XXErrors"), 1);
}

TEST_F(HttpFrontTest, FindsTheEndpointByPathOrHeaderOrBecauseThereIsOne) {
  for (const char* address : {"a", "b"}) Serve(address, [] { return Text(200, ""); });
  EXPECT_EQ(Infer("/v2/models/m/infer").status, 404);
  Publish({{"i-a", "a", true}});
  EXPECT_EQ(Infer("/v2/models/m/infer").status, 200);
  EXPECT_EQ(Infer("/endpoints/other/v2/models/m/infer").status, 404);
  auto fleet = std::make_shared<FleetView>();
  AddEndpoint(*fleet, "e", {{"i-a", "a", true}});
  AddEndpoint(*fleet, "f", {{"i-b", "b", true}});
  gateway_.Publish(std::move(fleet));
  const http::Response unclear = Infer("/v2/models/m/infer");
  EXPECT_EQ(unclear.status, 400);
  EXPECT_THAT(http::TextOf(unclear), HasSubstr("there are 2 endpoints"));
  http::Request named = Post("/v2/models/m/infer");
  named.headers.Add("Sarai-Endpoint", "f");
  EXPECT_EQ(Ask(std::move(named)).status, 200);
  EXPECT_THAT(SentTo(), ElementsAre("a", "b"));
}

TEST_F(HttpFrontTest, SendsOnceMoreElsewhereOnlyWhenNoByteCameBack) {
  int asked = 0;
  for (const char* address : {"a", "b"})
    Serve(address, [&asked]() -> Answer {
      if (++asked == 1)
        return std::unexpected(net::SendError{Status(Code::kUnavailable, "broken"), true});
      return Text(200, "");
    });
  Publish({{"i-a", "a", true}, {"i-b", "b", true}});
  EXPECT_EQ(Infer().status, 200);
  EXPECT_EQ(asked, 2);
  for (const char* address : {"a", "b"})
    Serve(address, [&asked]() -> Answer {
      ++asked;
      return std::unexpected(net::SendError{Status(Code::kUnavailable, "broken"), false});
    });
  Publish({{"i-c", "a", true}, {"i-d", "b", true}});
  EXPECT_EQ(Infer().status, 503);
  EXPECT_EQ(asked, 3);
}

TEST_F(HttpFrontTest, KeepsASequenceWithItsInstanceUntilItEnds) {
  for (const char* address : {"a", "b"}) Serve(address, [] { return Text(200, ""); });
  Publish({{"i-a", "a", true}, {"i-b", "b", true}});
  const auto step = [this](const std::string& more) {
    return Ask(Post("/v2/models/m/infer", R"({"parameters":{"sequence_id":7)" + more + "}}"))
        .status;
  };
  EXPECT_EQ(step(""), 200);
  const std::string first = SentTo().back();
  // The other one holds the model alone, as far as the gateway knows: the sequence stays.
  const std::string other = first == "a" ? "b" : "a";
  Publish({{"i-" + first, first, false}, {"i-" + other, other, true}});
  EXPECT_EQ(Infer().status, 200);
  EXPECT_EQ(SentTo().back(), other);
  Publish({{"i-" + first, first, true}, {"i-" + other, other, true}});
  EXPECT_EQ(step(R"(,"sequence_end":true)"), 200);
  EXPECT_EQ(SentTo().back(), first);
}

TEST_F(HttpFrontTest, MergesTheIndexesOfAllInstancesInPages) {
  Serve("a", [] { return Text(200, R"([{"name":"x","version":"1","state":"READY"}])"); });
  Serve("b", [] {
    return Text(200,
                R"([{"name":"x","version":"1","state":"UNAVAILABLE"},{"name":"y"},{"name":"z"}])");
  });
  Publish({{"i-a", "a", true}, {"i-b", "b", true}});
  http::Request index = Post("/v2/repository/index");
  EXPECT_EQ(Ask(index).status, 403);
  index.headers.Add("key", "open");
  const http::Response answer = Ask(index);
  EXPECT_THAT(http::TextOf(answer), HasSubstr(R"("state":"READY")"));
  EXPECT_THAT(http::TextOf(answer), Not(HasSubstr("\"z\"")));
  EXPECT_EQ(answer.headers.Get("sarai-next"), "y");
  index.target += "?after=y";
  EXPECT_THAT(http::TextOf(Ask(index)), HasSubstr("\"z\""));
}

TEST_F(HttpFrontTest, SumsTheStatisticsOfAllInstances) {
  for (const char* address : {"a", "b"})
    Serve(address, [] {
      return Text(200, R"({"model_stats":[{"name":"m","version":"1","inference_count":2}]})");
    });
  Publish({{"i-a", "a", true}, {"i-b", "b", true}});
  const std::string sum =
      kserve::EncodeStatistics({{.name = "m", .version = "1", .inference_count = 4}});
  EXPECT_EQ(http::TextOf(Ask(Get("/v2/models/stats"))), sum);
  // No instance is known to hold it: one is asked.
  EXPECT_THAT(http::TextOf(Ask(Get("/v2/models/m/stats"))), HasSubstr(R"("inference_count":2)"));
  EXPECT_EQ(Sent().size(), 3u);
  Infer();
  const std::string holder = SentTo().back();
  EXPECT_EQ(Ask(Get("/v2/models/m/versions/1/stats")).status, 200);
  EXPECT_EQ(SentTo().back(), holder);
  EXPECT_EQ(Sent().back().request.target, "/v2/models/m/versions/1/stats");
  EXPECT_EQ(Sent().size(), 5u);
}

TEST_F(HttpFrontTest, AnEndpointIsReadyWhenItsVariantsHaveInstancesThatAnswer) {
  Publish({{"i-a", "a", false}});
  EXPECT_EQ(Ask(Get("/endpoints/e/v2/health/live")).status, 200);
  EXPECT_EQ(Ask(Get("/endpoints/e/v2/health/ready")).status, 503);
  Serve("a", [] { return Text(200, ""); });
  Publish({{"i-a", "a", true}});
  EXPECT_EQ(Ask(Get("/endpoints/e/v2/health/ready")).status, 200);
  EXPECT_EQ(Ask(Get("/v2/health/ready")).status, 200);
  EXPECT_EQ(Ask(Get("/endpoints/f/v2/health/live")).status, 404);
}

TEST_F(HttpFrontTest, ALoadIsAPrefetchAndAnUnloadTheInstancesOwnBusiness) {
  Serve("a", [] { return Text(200, ""); });
  Publish({{"i-a", "a", true}});
  const auto ask = [this](const char* target, const char* body) {
    http::Request request = Post(target, body);
    request.headers.Add("key", "open");
    return Ask(std::move(request)).status;
  };
  EXPECT_EQ(ask("/v2/repository/models/m/load", ""), 200);
  EXPECT_EQ(Sent().back().request.target, "/v2/repository/models/m/load");
  EXPECT_EQ(ask("/v2/repository/models/m/load", R"({"parameters":{"config":"{}"}})"), 501);
  EXPECT_EQ(ask("/v2/repository/models/m/unload", ""), 501);
  EXPECT_EQ(ask("/v2/systemsharedmemory/status", ""), 501);
  EXPECT_EQ(Sent().size(), 1u);
  EXPECT_EQ(Metric("Invocations"), 0);
}

TEST_F(HttpFrontTest, AStreamedAnswerIsInFlightUntilItsReaderLetsGo) {
  const auto stream = std::make_shared<ByteStream>();
  Serve("a", [stream] {
    http::Response response = Text(200, "");
    response.stream = stream;
    return response;
  });
  Publish({{"i-a", "a", true}});
  http::Response answer = Infer("/v2/models/m/generate_stream");
  ASSERT_NE(answer.stream, nullptr);
  EXPECT_TRUE(Sent().back().options.stream);
  stream->Write(Blob::FromString("part"));
  EXPECT_EQ(answer.stream->Read([] {}).part.text(), "part");
  const long shares = stream.use_count();
  answer = {};
  EXPECT_LT(stream.use_count(), shares);
}

}  // namespace
}  // namespace sarai::gateway
