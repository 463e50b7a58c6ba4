#include "gateway/invoke_request.h"

#include <gtest/gtest.h>

#include "wire/mme/mme.h"

namespace sarai::gateway {
namespace {

http::Request Invoke(std::string target) {
  http::Request request{.method = "POST", .target = std::move(target)};
  request.headers.Set("Content-Type", "application/octet-stream");
  request.headers.Set(mme::kTargetModelHeader, "a b/c.tar.gz");
  request.headers.Set("X-Amzn-SageMaker-Inference-Id", "id-1");
  request.body = Blob::FromString("{}");
  return request;
}

TEST(ParseInvoke, ReadsPathHeadersAndBody) {
  const auto invoke = ParseInvoke(Invoke("/endpoints/my-endpoint/invocations"), 100);
  ASSERT_TRUE(invoke) << invoke.error().message();
  EXPECT_EQ(invoke->endpoint, "my-endpoint");
  EXPECT_EQ(invoke->target_model, "a b/c.tar.gz");
  EXPECT_EQ(invoke->inference_id, "id-1");
  EXPECT_EQ(invoke->body.text(), "{}");
}

struct BadCase {
  const char* what;
  std::string target;
  std::string header, value;
  Code code;
};

TEST(ParseInvoke, NamesWhatIsOutOfItsLimits) {
  const std::string good = "/endpoints/e/invocations";
  const BadCase cases[] = {
      {"streaming", "/endpoints/e/invocations-response-stream", "", "", Code::kUnimplemented},
      {"async", "/endpoints/e/async-invocations", "", "", Code::kUnimplemented},
      {"other path", "/endpoints/e", "", "", Code::kNotFound},
      {"endpoint name", "/endpoints/under_score/invocations", "", "", Code::kInvalidArgument},
      {"endpoint too long", "/endpoints/" + std::string(64, 'a') + "/invocations", "", "",
       Code::kInvalidArgument},
      {"target too long", good, "X-Amzn-SageMaker-Target-Model", std::string(1025, 'x'),
       Code::kInvalidArgument},
      {"target control character", good, "X-Amzn-SageMaker-Target-Model",
       "a\x01"
       "b",
       Code::kInvalidArgument},
      {"variant", good, "X-Amzn-SageMaker-Target-Variant", "no good", Code::kInvalidArgument},
      {"attributes", good, "X-Amzn-SageMaker-Custom-Attributes", std::string(1025, 'x'),
       Code::kInvalidArgument},
  };
  for (const BadCase& bad : cases) {
    http::Request request = Invoke(bad.target);
    if (!bad.header.empty()) request.headers.Set(bad.header, bad.value);
    const auto invoke = ParseInvoke(request, 100);
    ASSERT_FALSE(invoke) << bad.what;
    EXPECT_EQ(invoke.error().code(), bad.code) << bad.what;
  }
}

TEST(ParseInvoke, RefusesABodyAboveTheLimit) {
  http::Request request = Invoke("/endpoints/e/invocations");
  request.body = Blob::FromString(std::string(101, 'x'));
  const auto invoke = ParseInvoke(request, 100);
  ASSERT_FALSE(invoke);
  EXPECT_NE(invoke.error().message().find("101 bytes"), std::string::npos);
}

TEST(ForwardRequest, SharesTheBodyAndPassesOnWhatTheContractNames) {
  const auto invoke = ParseInvoke(Invoke("/endpoints/e/invocations"), 100);
  const http::Request forward = ForwardRequest(*invoke, "abc", "request-1");
  EXPECT_EQ(forward.target, "/models/abc/invoke");
  EXPECT_EQ(forward.body.data(), invoke->body.data());
  EXPECT_EQ(forward.headers.Get(mme::kTargetModelHeader), "a b/c.tar.gz");
  EXPECT_EQ(forward.headers.Get("Content-Type"), "application/octet-stream");
  EXPECT_FALSE(forward.headers.Has("Accept"));
  EXPECT_EQ(ForwardRequest(*invoke, "", "r").target, "/invocations");
}

TEST(OpaqueModelName, IsStableAndTellsArtifactsApart) {
  const std::string name = OpaqueModelName("s3://b/p/", "m.tar.gz");
  EXPECT_EQ(name.size(), 32u);
  EXPECT_EQ(name, OpaqueModelName("s3://b/p/", "m.tar.gz"));
  EXPECT_NE(name, OpaqueModelName("s3://b/q/", "m.tar.gz"));
}

}  // namespace
}  // namespace sarai::gateway
