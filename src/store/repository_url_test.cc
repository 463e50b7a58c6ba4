#include "store/repository_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::store {
namespace {

using testing::HasSubstr;

TEST(RepositoryUrl, ReadsTritonsForms) {
  struct Case {
    const char *url, *endpoint, *bucket, *key, *base;
  };
  for (const Case& at :
       std::vector<Case>{{"s3://models", "", "models", "", "s3://models/"},
                         {"s3://models/a/b", "", "models", "a/b/", "s3://models/a/b/"},
                         {"s3://models/a/", "", "models", "a/", "s3://models/a/"},
                         {"s3://127.0.0.1:9000/models", "http://127.0.0.1:9000", "models", "",
                          "s3://http://127.0.0.1:9000/models/"},
                         {"s3://http://minio:9000/models/a", "http://minio:9000", "models", "a/",
                          "s3://http://minio:9000/models/a/"},
                         {"s3://https://store.example:443/models//a/", "https://store.example:443",
                          "models", "a/", "s3://https://store.example:443/models/a/"}}) {
    const auto parsed = ParseRepositoryUrl(at.url);
    ASSERT_TRUE(parsed) << at.url << ": " << parsed.error().message();
    EXPECT_TRUE(parsed->remote);
    EXPECT_EQ(parsed->endpoint, at.endpoint) << at.url;
    EXPECT_EQ(parsed->location.bucket, at.bucket) << at.url;
    EXPECT_EQ(parsed->location.key, at.key) << at.url;
    EXPECT_EQ(parsed->base(), at.base) << at.url;
  }
}

TEST(RepositoryUrl, TakesLocalFolders) {
  for (const auto& [url, path] : std::vector<std::pair<const char*, const char*>>{
           {"/models", "/models"}, {"models/a", "models/a"}, {"file:///models", "/models"}}) {
    const auto parsed = ParseRepositoryUrl(url);
    ASSERT_TRUE(parsed) << url;
    EXPECT_FALSE(parsed->remote);
    EXPECT_EQ(parsed->path, path);
  }
}

TEST(RepositoryUrl, NamesWhatItDoesNotServe) {
  EXPECT_THAT(ParseRepositoryUrl("gs://bucket/x").error().message(), HasSubstr("gs://bucket/x"));
  EXPECT_THAT(ParseRepositoryUrl("s3://a").error().message(), HasSubstr("no valid bucket"));
  EXPECT_THAT(ParseRepositoryUrl("s3://http://host").error().message(), HasSubstr("s3://"));
  EXPECT_FALSE(ParseRepositoryUrl(""));
}

}  // namespace
}  // namespace sarai::store
