#include "instance/front/http_restrictions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::instance {
namespace {

using kserve::ApiCategory;

TEST(HttpCategoryOf, KnowsEveryPath) {
  using enum ApiCategory;
  const std::pair<const char*, std::optional<ApiCategory>> cases[] = {
      {"/v2", kMetadata},
      {"/v2/health/live", kHealth},
      {"/v2/health/ready", kHealth},
      {"/v2/models/stats", kStatistics},
      {"/v2/models/m", kMetadata},
      {"/v2/models/m/versions/1", kMetadata},
      {"/v2/models/m/ready", kHealth},
      {"/v2/models/m/versions/1/ready", kHealth},
      {"/v2/models/m/config", kModelConfig},
      {"/v2/models/m/versions/1/config", kModelConfig},
      {"/v2/models/m/stats", kStatistics},
      {"/v2/models/stats/stats", kStatistics},
      {"/v2/models/m/infer", kInference},
      {"/v2/models/versions/infer", kInference},
      {"/v2/models/m/versions/3/infer", kInference},
      {"/v2/models/m/generate", kInference},
      {"/v2/models/m/versions/3/generate_stream", kInference},
      {"/v2/models/m/trace/setting", kTrace},
      {"/v2/trace/setting", kTrace},
      {"/v2/logging", kLogging},
      {"/v2/repository/index", kModelRepository},
      {"/v2/repository/r/models/m/load", kModelRepository},
      {"/v2/systemsharedmemory/region/r/register", kSharedMemory},
      {"/v2/cudasharedmemory/status", kSharedMemory},
      {"/ping", kHealth},
      {"/invocations", kInference},
      {"/models", kModelRepository},
      {"/models/m", kModelRepository},
      {"/models/m/invoke", kInference},
      {"/sarai/v1/models/m/unload", kModelRepository},
      {"/sarai/v1/status", kStatistics},
      {"/v2/nonsense", {}},
      {"/v2/models/m/nonsense", {}},
      {"/metrics", {}},
      {"/", {}},
  };
  for (const auto& [path, category] : cases)
    EXPECT_EQ(HttpCategoryOf(*http::ParseTarget(path)), category) << path;
}

TEST(HttpRestrictions, AskForTheHeaderOfTheCategory) {
  const HttpRestrictions restrictions(
      *kserve::RestrictedApis::Parse({"inference,health:infer-key=open", "trace:admin=x"}));
  const auto status = [&](const std::string& path, const std::string& key = "",
                          const std::string& value = "") {
    http::Request request{.method = "GET", .target = path};
    if (!key.empty()) request.headers.Add(key, value);
    const auto refused = restrictions.Refuse(request, *http::ParseTarget(request.target));
    return refused ? refused->status : 0;
  };
  EXPECT_EQ(status("/v2/models/m/infer"), 403);
  EXPECT_EQ(status("/v2/models/m/infer", "infer-key", "wrong"), 403);
  EXPECT_EQ(status("/v2/models/m/infer", "admin", "x"), 403);
  EXPECT_EQ(status("/v2/models/m/infer", "Infer-Key", "open"), 0);
  EXPECT_EQ(status("/models/m/invoke"), 403);
  EXPECT_EQ(status("/v2/trace/setting", "admin", "x"), 0);
  EXPECT_EQ(status("/v2/models/m"), 0);
  EXPECT_EQ(status("/metrics"), 0);

  const http::Request request{.method = "GET", .target = "/v2/health/live"};
  const auto refused = restrictions.Refuse(request, *http::ParseTarget(request.target));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->body.at(0).text(),
            R"({"error":"This API is restricted, expecting header 'infer-key'"})");
}

}  // namespace
}  // namespace sarai::instance
