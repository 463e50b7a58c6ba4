#include "store/location.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::store {
namespace {

using ::testing::HasSubstr;

TEST(LocationTest, ReadsUrlsAndPaths) {
  struct Case {
    std::string url, scheme, bucket, key;
  };
  for (const Case& c : std::vector<Case>{
           {"s3://bucket/prefix/", "s3", "bucket", "prefix/"},
           {"S3://my.bucket-1/a b%20+", "s3", "my.bucket-1", "a b%20+"},
           {"s3://bucket", "s3", "bucket", ""},
           {"s3://bucket/", "s3", "bucket", ""},
           {"s3://bucket//x", "s3", "bucket", "/x"},
           {"file:///abs/dir", "file", "", "/abs/dir"},
           {"file://localhost/abs%20dir/", "file", "", "/abs dir/"},
           {"/abs/100%/dir", "file", "", "/abs/100%/dir"},
           {"/abs/%20dir", "file", "", "/abs/%20dir"},
       }) {
    const auto location = ParseLocation(c.url);
    ASSERT_TRUE(location.has_value()) << location.error().ToString();
    EXPECT_EQ(location->scheme, c.scheme);
    EXPECT_EQ(location->bucket, c.bucket);
    EXPECT_EQ(location->key, c.key);
    EXPECT_EQ(ParseLocation(LocationUrl(*location)).value().key, c.key);
  }
}

TEST(LocationTest, RefusesWhatItCannotOpenAndNamesIt) {
  for (const std::string url :
       {"", "relative/dir", "file://host/dir", "file://", "s3://", "s3:///key", "s3://a@b/key",
        "s3://ab/key", "https://bucket.s3.amazonaws.com/key", "gs://bucket/key",
        "s3://bucket/a\nb"}) {
    const auto location = ParseLocation(url);
    ASSERT_FALSE(location.has_value()) << url;
    EXPECT_EQ(location.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(location.error().message(), HasSubstr("'" + url + "'"));
  }
  EXPECT_FALSE(ParseLocation("s3://bucket/" + std::string(1025, 'k')).has_value());
}

TEST(JoinKeyTest, PutsOneSlashBetweenPrefixAndTarget) {
  const auto s3 = [](const std::string& key) { return Location{"s3", "bucket", key}; };
  EXPECT_EQ(JoinKey(s3("models/"), "m.tar.gz").value(), "models/m.tar.gz");
  EXPECT_EQ(JoinKey(s3("models"), "m.tar.gz").value(), "models/m.tar.gz");
  EXPECT_EQ(JoinKey(s3("models"), "/m.tar.gz").value(), "models/m.tar.gz");
  EXPECT_EQ(JoinKey(s3(""), "a/b.tar.gz").value(), "a/b.tar.gz");
  EXPECT_EQ(JoinKey(s3("p/"), "../b").value(), "p/../b");  // S3 knows no parents
  EXPECT_EQ(JoinKey({"file", "", "/models"}, "a..b/c").value(), "/models/a..b/c");
}

TEST(JoinKeyTest, RefusesTargetsThatNameNothingOrLeaveTheFolder) {
  const Location file{"file", "", "/models/"};
  for (const std::string& target :
       {std::string(""), std::string("/"), std::string("../x"), std::string("a/../../x"),
        std::string("./x"), std::string("a\tb"), std::string("a\0b", 3), std::string(1025, 'x')}) {
    const auto key = JoinKey(file, target);
    ASSERT_FALSE(key.has_value()) << target;
    EXPECT_EQ(key.error().code(), Code::kInvalidArgument);
  }
  EXPECT_FALSE(JoinKey({"s3", "bucket", std::string(1000, 'p')}, std::string(30, 'x')).has_value());
}

}  // namespace
}  // namespace sarai::store
