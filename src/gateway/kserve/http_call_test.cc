#include "gateway/kserve/http_call.h"

#include <gtest/gtest.h>

namespace sarai::gateway {
namespace {

using Kind = HttpCall::Kind;
using kserve::ApiCategory;

struct Case {
  const char* method;
  const char* target;
  Kind kind;
  ApiCategory category;
  const char* endpoint;
  const char* model;
  const char* forwarded;
};

TEST(HttpCall, IsReadFromThePath) {
  const Case cases[] = {
      {"GET", "/v2", Kind::kServer, ApiCategory::kMetadata, "", "", "/v2"},
      {"GET", "/v2/", Kind::kServer, ApiCategory::kMetadata, "", "", "/v2"},
      {"GET", "/endpoints/e/v2", Kind::kServer, ApiCategory::kMetadata, "e", "", "/v2"},
      {"GET", "/endpoints/e/v2/health/live", Kind::kLive, ApiCategory::kHealth, "e", "", ""},
      {"GET", "/v2/health/ready", Kind::kReady, ApiCategory::kHealth, "", "", ""},
      {"GET", "/v2/models/stats", Kind::kStatistics, ApiCategory::kStatistics, "", "",
       "/v2/models/stats"},
      {"GET", "/endpoints/e/v2/models/m.tar.gz", Kind::kModel, ApiCategory::kMetadata, "e",
       "m.tar.gz", "/v2/models/m.tar.gz"},
      {"GET", "/endpoints/e/v2/models/a/b.tar.gz", Kind::kModel, ApiCategory::kMetadata, "e",
       "a/b.tar.gz", "/v2/models/a%2Fb.tar.gz"},
      {"GET", "/v2/models/a%2Fready", Kind::kModel, ApiCategory::kMetadata, "", "a/ready",
       "/v2/models/a%2Fready"},
      {"GET", "/v2/models/a/ready", Kind::kModel, ApiCategory::kHealth, "", "a",
       "/v2/models/a/ready"},
      {"GET", "/v2/models/stats/config", Kind::kModel, ApiCategory::kModelConfig, "", "stats",
       "/v2/models/stats/config"},
      {"GET", "/v2/models/a/stats?x=1", Kind::kStatistics, ApiCategory::kStatistics, "", "a",
       "/v2/models/a/stats?x=1"},
      {"POST", "/endpoints/e/v2/models/a%20b/c/versions/2/infer", Kind::kInfer,
       ApiCategory::kInference, "e", "a b/c", "/v2/models/a%20b%2Fc/versions/2/infer"},
      {"POST", "/v2/models/versions/2/infer", Kind::kInfer, ApiCategory::kInference, "",
       "versions/2", "/v2/models/versions%2F2/infer"},
      {"POST", "/v2/models/m/generate", Kind::kInfer, ApiCategory::kInference, "", "m",
       "/v2/models/m/generate"},
      {"POST", "/v2/repository/index", Kind::kIndex, ApiCategory::kModelRepository, "", "", ""},
      {"POST", "/v2/repository/models/a/b/load", Kind::kLoad, ApiCategory::kModelRepository, "",
       "a/b", "/v2/repository/models/a%2Fb/load"},
      {"POST", "/v2/repository/models/m/unload", Kind::kUnload, ApiCategory::kModelRepository, "",
       "m", "/v2/repository/models/m/load"},
      {"GET", "/v2/systemsharedmemory/status", Kind::kUnserved, ApiCategory::kSharedMemory, "", "",
       ""},
      {"POST", "/v2/models/m/trace/setting", Kind::kUnserved, ApiCategory::kTrace, "", "", ""},
      {"POST", "/v2/logging", Kind::kUnserved, ApiCategory::kLogging, "", "", ""},
  };
  for (const Case& test : cases) {
    const http::Request request{.method = test.method, .target = test.target};
    ASSERT_TRUE(IsKservePath(request.target)) << test.target;
    const auto call = ParseHttpCall(request);
    ASSERT_TRUE(call.has_value()) << test.target;
    EXPECT_EQ(call->kind, test.kind) << test.target;
    EXPECT_EQ(call->category, test.category) << test.target;
    EXPECT_EQ(call->endpoint, test.endpoint) << test.target;
    EXPECT_EQ(call->model, test.model) << test.target;
    EXPECT_EQ(call->target, test.forwarded) << test.target;
  }
}

TEST(HttpCall, OnlyGenerateStreamStreams) {
  EXPECT_TRUE(ParseHttpCall({.method = "POST", .target = "/v2/models/m/generate_stream"})->streams);
  EXPECT_FALSE(ParseHttpCall({.method = "POST", .target = "/v2/models/m/generate"})->streams);
}

TEST(HttpCall, RefusesWhatTheProtocolHasNot) {
  const std::pair<const char*, const char*> cases[] = {
      {"POST", "/v2"},
      {"POST", "/v2/models/m"},
      {"GET", "/v2/models/"},
      {"GET", "/v2/models"},
      {"DELETE", "/v2/models/m/ready"},
      {"GET", "/v2/health/other"},
      {"GET", "/v2/repository/index"},
      {"POST", "/v2/repository/models/load"},
      {"GET", "/v2/unknown"},
      {"GET", "/v2/models/%zz"},
  };
  for (const auto& [method, target] : cases)
    EXPECT_FALSE(ParseHttpCall({.method = method, .target = target}).has_value()) << target;
}

TEST(HttpCall, OtherPathsAreNotKserves) {
  for (const char* target :
       {"/", "", "/v2x", "/endpoints/v2", "/endpoints/e/invocations", "/endpoints/e/v20/models",
        "/x/v2", "/endpoints/a?b/v2", "/endpoints/a#b/v2/models/m"})
    EXPECT_FALSE(IsKservePath(target)) << target;
}

TEST(HttpCall, APathThatEndsBeforeItsEndpointIsNotFound) {
  for (const char* target : {"/endpoints", "/endpoints/a", "/endpoints/a#b/v2/models/m"})
    EXPECT_EQ(ParseHttpCall({.method = "GET", .target = target}).error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace sarai::gateway
