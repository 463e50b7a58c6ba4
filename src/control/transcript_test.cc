// Plays tests/golden/aws/*.txt against the handlers:
//
//   # a comment
//   > TARGET [REGION]        X-Amz-Target, and the region of the credential scope
//   {…}                      the request's body; none is an empty body
//   < STATUS [QUERY-ERROR]   and the x-amzn-query-error header
//   {…}                      the answer's body, compared as JSON
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "base/strings.h"
#include "control/front.h"
#include "control/handlers/cloudwatch.h"
#include "control/handlers/handlers.h"
#include "control/metrics/metric_keeper.h"
#include "control/scratch_directory.h"
#include "control/test_fleet.h"
#include "wire/http/text_of.h"

namespace sarai::control {
namespace {

struct Exchange {
  int line = 0;
  std::string target, region, body;
  int status = 0;
  std::string query_error, answer;
};

std::vector<Exchange> ReadTranscript(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::vector<Exchange> exchanges;
  std::string text;
  std::string* into = nullptr;
  for (int line = 1; std::getline(in, text); ++line) {
    std::istringstream words(text.size() > 2 ? text.substr(2) : "");
    if (text.starts_with("> ")) {
      exchanges.push_back({.line = line, .region = "us-east-1"});
      words >> exchanges.back().target >> exchanges.back().region;
      if (exchanges.back().region.empty()) exchanges.back().region = "us-east-1";
      into = &exchanges.back().body;
    } else if (text.starts_with("< ")) {
      words >> exchanges.back().status >> exchanges.back().query_error;
      into = &exchanges.back().answer;
    } else if (!text.starts_with("#") && into != nullptr) {
      *into += text + "\n";
    }
  }
  return exchanges;
}

// 1 == 1.0, and the order of members does not matter.
bool SameJson(const json::Value& a, const json::Value& b) {
  if (a.is_number() && b.is_number()) return a.to_number<double>() == b.to_number<double>();
  if (a.is_array() && b.is_array())
    return std::ranges::equal(a.get_array(), b.get_array(), SameJson);
  if (!a.is_object() || !b.is_object()) return a == b;
  return a.get_object().size() == b.get_object().size() &&
         std::ranges::all_of(a.get_object(), [&](const auto& member) {
           const json::Value* const other = b.get_object().if_contains(member.key());
           return other != nullptr && SameJson(member.value(), *other);
         });
}

class Transcript : public testing::TestWithParam<std::string> {
 protected:
  Transcript() : strand_(std::make_shared<ManualExecutor>(clock_)) {
    auto state = State::Open((directory_.path() / "control.db").string());
    state_ = std::move(*state);
    auto store = MetricStore::Open((directory_.path() / "metrics.db").string(), 100);
    store_ = std::move(*store);
    keeper_ = std::make_unique<MetricKeeper>(options_.metrics, *store_, recorder_, clock_, strand_,
                                             [] { return nullptr; });
    for (const double value : {1.0, 2.0, 3.0}) {
      AddInvocations(value, clock_.WallNow());
      AddInvocations(value * 2, clock_.WallNow() + std::chrono::seconds(60));
    }
  }

  void AddInvocations(double value, WallTime at) {
    MetricSample sample{.id = {"AWS/SageMaker",
                               "Invocations",
                               {{"EndpointName", "demo"}, {"VariantName", "AllTraffic"}}},
                        .unit = "None",
                        .at = at};
    sample.values.Add(value);
    recorder_.Add(std::move(sample));
  }

  http::Response Play(const Exchange& exchange) {
    http::Request request{.method = "POST", .target = "/"};
    request.headers.Add("X-Amz-Target", exchange.target);
    request.headers.Add("Authorization",
                        fmt::format("AWS4-HMAC-SHA256 Credential=AK/20231114/{}/sagemaker/"
                                    "aws4_request, SignedHeaders=host, Signature=00",
                                    exchange.region));
    request.body = Blob::FromString(exchange.body);
    const auto version = VersionOf(request);
    const auto parsed = ParseCall(request, 1 << 20, "no-region");
    if (!parsed) return awsjson::JsonError(parsed.error(), version, "id");
    const ApiResult result = parsed->service == Service::kSageMaker
                                 ? HandleSageMaker(sagemaker_services(), parsed->call)
                                 : HandleCloudWatch(cloudwatch_services(), parsed->call);
    return result ? awsjson::JsonAnswer(*result, version, "id")
                  : awsjson::JsonError(result.error(), version, "id");
  }

  SageMakerServices& sagemaker_services() {
    if (!sagemaker_) sagemaker_.emplace(options_, *state_, fleet_, clock_, [] {});
    return *sagemaker_;
  }
  CloudWatchServices& cloudwatch_services() {
    if (!cloudwatch_) cloudwatch_.emplace(*store_, recorder_, clock_, [this] { keeper_->Flush(); });
    return *cloudwatch_;
  }

  ScratchDirectory directory_;
  ManualClock clock_;
  ControlOptions options_;
  telemetry::DecisionLog decisions_;
  SimulatedProvider provider_;
  SimulatedNetwork network_;
  std::shared_ptr<ManualExecutor> strand_;
  Fleet fleet_{options_, provider_, network_, clock_, strand_, decisions_, [] {}};
  std::unique_ptr<State> state_;
  std::unique_ptr<MetricStore> store_;
  MetricRecorder recorder_{options_.metrics};
  std::unique_ptr<MetricKeeper> keeper_;
  std::optional<SageMakerServices> sagemaker_;
  std::optional<CloudWatchServices> cloudwatch_;
};

TEST_P(Transcript, IsAnsweredAsWritten) {
  const auto exchanges =
      ReadTranscript(std::filesystem::path(SARAI_TEST_DATA) / "aws" / GetParam());
  ASSERT_FALSE(exchanges.empty());
  for (const Exchange& exchange : exchanges) {
    const std::string where = fmt::format("{}:{} {}", GetParam(), exchange.line, exchange.target);
    const auto wanted = json::Parse(exchange.answer);
    ASSERT_TRUE(wanted) << where << ": " << wanted.error().ToString();
    const http::Response response = Play(exchange);
    EXPECT_EQ(response.status, exchange.status) << where;
    EXPECT_EQ(response.headers.Get("x-amzn-query-error"), exchange.query_error) << where;
    const auto got = json::Parse(http::TextOf(response));
    ASSERT_TRUE(got) << where;
    EXPECT_TRUE(SameJson(*got, *wanted)) << where << "\n  got " << http::TextOf(response);
  }
}

INSTANTIATE_TEST_SUITE_P(Aws, Transcript,
                         testing::Values("models.txt", "endpoint_configs.txt", "endpoints.txt",
                                         "lists.txt", "unknown.txt", "cloudwatch.txt"),
                         [](const auto& info) {
                           return info.param.substr(0, info.param.find('.'));
                         });

}  // namespace
}  // namespace sarai::control
