#include "store/s3_address.h"

#include <gtest/gtest.h>

#include "store/s3_xml.h"

namespace sarai::store {
namespace {

std::string Url(std::string_view endpoint, S3Addressing addressing, std::string_view bucket,
                std::string_view key, std::string_view region = "eu-west-1") {
  const auto address = MakeS3Address(endpoint, addressing, region, bucket);
  if (!address) return address.error().ToString();
  return fmt::format("{}://{}{}", address->scheme, address->host, S3Path(*address, key));
}

TEST(S3AddressTest, PicksTheStyleByEndpointAndBucket) {
  using enum S3Addressing;
  EXPECT_EQ(Url("", kAuto, "models", "a/b"), "https://models.s3.eu-west-1.amazonaws.com/a/b");
  EXPECT_EQ(Url("", kAuto, "my.models", "a"), "https://s3.eu-west-1.amazonaws.com/my.models/a");
  EXPECT_EQ(Url("", kPath, "models", "a"), "https://s3.eu-west-1.amazonaws.com/models/a");
  EXPECT_EQ(Url("", kAuto, "models", "a", "cn-north-1"),
            "https://models.s3.cn-north-1.amazonaws.com.cn/a");
  EXPECT_EQ(Url("http://127.0.0.1:9000", kAuto, "models", "a"), "http://127.0.0.1:9000/models/a");
  EXPECT_EQ(Url("http://minio:80/", kAuto, "models", "a"), "http://minio/models/a");
  EXPECT_EQ(Url("https://s3.example:443/base/", kAuto, "models", "a"),
            "https://s3.example/base/models/a");
  EXPECT_EQ(Url("https://s3.example", kVirtual, "models", "a"), "https://models.s3.example/a");
}

TEST(S3AddressTest, EncodesKeysOnce) {
  EXPECT_EQ(Url("http://h", S3Addressing::kPath, "bkt", "a b+c%20/ü"),
            "http://h/bkt/a%20b%2Bc%2520/%C3%BC");
  EXPECT_EQ(Url("http://h", S3Addressing::kPath, "bkt", ""), "http://h/bkt");
  EXPECT_EQ(Url("http://h", S3Addressing::kVirtual, "bkt", ""), "http://bkt.h/");
  EXPECT_EQ(S3QueryText({{"prefix", "a/b c"}, {"list-type", "2"}}), "list-type=2&prefix=a%2Fb%20c");
}

TEST(S3AddressTest, RefusesEndpointsAndRegionsThatAreNone) {
  for (const char* endpoint : {"127.0.0.1:9000", "ftp://h", "http://", "http://a b", "http://u@h",
                               "http://h/a b", "http://h/\r\nX: y"}) {
    EXPECT_FALSE(MakeS3Address(endpoint, S3Addressing::kAuto, "r-1", "bucket").has_value())
        << endpoint;
  }
  EXPECT_FALSE(MakeS3Address("", S3Addressing::kAuto, "evil.example/", "bucket").has_value());
}

TEST(S3XmlTest, ReadsAListing) {
  const auto page = ParseListPage(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><IsTruncated>true"
      "</IsTruncated><Contents><Key>a &amp; b&#x20;&lt;c&gt;</Key><ETag>&quot;e&quot;</ETag>"
      "<Size>5368709121</Size></Contents><CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>"
      "<NextContinuationToken>t=</NextContinuationToken></ListBucketResult>");
  ASSERT_TRUE(page.has_value()) << page.error().ToString();
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "a & b <c>");
  EXPECT_EQ(page->objects[0].etag, "\"e\"");
  EXPECT_EQ(page->objects[0].size, 5368709121u);
  EXPECT_EQ(page->prefixes, std::vector<std::string>{"p/"});
  EXPECT_EQ(page->continuation, "t=");
}

TEST(S3XmlTest, RefusesAListingWithoutSizesOrContinuation) {
  EXPECT_FALSE(ParseListPage("").has_value());
  EXPECT_FALSE(ParseListPage("<ListBucketResult><Contents><Key>k</Key></Contents>"
                             "</ListBucketResult>")
                   .has_value());
  EXPECT_FALSE(ParseListPage("<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>")
                   .has_value());
}

}  // namespace
}  // namespace sarai::store
