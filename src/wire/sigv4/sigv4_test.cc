#include "wire/sigv4/sigv4.h"

#include <gtest/gtest.h>

namespace sarai::sigv4 {
namespace {

using namespace std::chrono_literals;

// AWS's documented example credentials and requests.
const Credentials kExample = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", ""};
const Credentials kS3Example = {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                ""};
constexpr WallTime kIn2015{std::chrono::sys_days{std::chrono::year{2015} / 8 / 30} + 12h + 36min};
constexpr WallTime kIn2013{std::chrono::sys_days{std::chrono::year{2013} / 5 / 24}};

std::string SignatureOf(const http::Request& request) {
  const std::string text(request.headers.Get("Authorization"));
  return text.substr(text.find("Signature=") + 10);
}

TEST(Sign, MatchesTheSigningSuitesPlainGet) {
  http::Request request{.method = "GET", .target = "/"};
  Sign(request, "example.amazonaws.com", {"us-east-1", "service"}, kExample, kIn2015,
       Sha256Hex(""));
  EXPECT_EQ(SignatureOf(request),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(Sign, SortsTheQueryAsTheSigningSuiteDoes) {
  http::Request request{.method = "GET", .target = "/?Param2=value2&Param1=value1"};
  Sign(request, "example.amazonaws.com", {"us-east-1", "service"}, kExample, kIn2015,
       Sha256Hex(""));
  EXPECT_EQ(SignatureOf(request),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
}

// Reference signatures of the two below: botocore's SigV4Auth and S3SigV4Auth, same inputs.
TEST(Sign, SortsByNameBeforeValueAndCollapsesSpaces) {
  http::Request request{.method = "GET", .target = "/?a-=1&a=2&a=1"};
  request.headers.Set("X-Test", "  one   two ");
  Sign(request, "example.amazonaws.com", {"us-east-1", "service"}, kExample, kIn2015,
       Sha256Hex(""));
  EXPECT_EQ(SignatureOf(request),
            "a1abf1c92d7689f600e2cebef2b2f4fdbedebe838eda998fabaf5d2fb91e9865");
}

TEST(Sign, SignsKeysOfAnyDepthTheSameEachTime) {
  std::string key = "/bucket";
  for (int i = 0; i < 100; ++i) key += "/a%20b";
  http::Request request{.method = "GET", .target = key + "?x=1"};
  for (int attempt = 0; attempt < 2; ++attempt) {
    Sign(request, "s3.local", {"us-east-1", "s3"}, kExample, kIn2015, Sha256Hex(""));
    EXPECT_EQ(SignatureOf(request),
              "5b7560f5e2dcd32958a32a6d45c9478d81542e51d4bf4b2dd59606a5efd9385f");
  }
}

TEST(Sign, MatchesS3sExampleOfARangedGet) {
  http::Request request{.method = "GET", .target = "/test.txt"};
  request.headers.Set("Range", "bytes=0-9");
  Sign(request, "examplebucket.s3.amazonaws.com", {"us-east-1", "s3"}, kS3Example, kIn2013,
       Sha256Hex(""));
  EXPECT_EQ(SignatureOf(request),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(Sign, MatchesS3sExampleOfAList) {
  http::Request request{.method = "GET", .target = "/?max-keys=2&prefix=J"};
  Sign(request, "examplebucket.s3.amazonaws.com", {"us-east-1", "s3"}, kS3Example, kIn2013,
       Sha256Hex(""));
  EXPECT_EQ(SignatureOf(request),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(Sign, SendsAndSignsTheSessionToken) {
  http::Request request{.method = "GET", .target = "/"};
  Sign(request, "h", {"us-east-1", "s3"}, {"AK", "secret", "token"}, kIn2013, Sha256Hex(""));
  EXPECT_EQ(request.headers.Get("X-Amz-Security-Token"), "token");
  EXPECT_NE(request.headers.Get("Authorization").find("x-amz-security-token"),
            std::string_view::npos);
}

TEST(ReadScope, ReadsHeaderAndPresignedQuery) {
  http::Request request{.method = "POST", .target = "/"};
  Sign(request, "h", {"eu-west-1", "sagemaker"}, kExample, kIn2015, Sha256Hex("x"));
  const auto by_header = ReadScope(request);
  ASSERT_TRUE(by_header);
  EXPECT_EQ(by_header->access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(by_header->date, "20150830");
  EXPECT_EQ(by_header->region, "eu-west-1");
  EXPECT_EQ(by_header->service, "sagemaker");

  const http::Request presigned{
      .method = "GET",
      .target = "/k?X-Amz-Credential=AK%2F20150830%2Fap-south-1%2Fs3%2Faws4_request"};
  EXPECT_EQ(RegionOf(presigned), "ap-south-1");
}

TEST(ReadScope, SaysNothingOfUnsignedOrBrokenRequests) {
  http::Request request{.method = "GET", .target = "/"};
  EXPECT_FALSE(ReadScope(request));
  for (const char* const text : {"Bearer x", "AWS4-HMAC-SHA256",
                                 "AWS4-HMAC-SHA256 Credential=", "AWS4-HMAC-SHA256 Credential=a/b",
                                 "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, x"}) {
    request.headers.Set("Authorization", text);
    EXPECT_FALSE(ReadScope(request)) << text;
  }
}

}  // namespace
}  // namespace sarai::sigv4
