// What S3Store does when S3 does not answer as one hopes.
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/s3_store.h"
#include "store/test_http_server.h"

namespace sarai::store {
namespace {

using ::testing::HasSubstr;

std::string ErrorXml(const std::string& code, const std::string& more = "") {
  return fmt::format(
      "<?xml version=\"1.0\"?><Error><Code>{}</Code><Message>said so</Message>{}</Error>", code,
      more);
}

class S3ClientTest : public ::testing::Test {
 protected:
  void Serve(TestHttpServer::Script script) {
    server_ = std::make_unique<TestHttpServer>(std::move(script));
    S3StoreOptions options{.client = {.bucket = "bucket",
                                      .endpoint = server_->url(),
                                      .region = "us-east-1",
                                      .addressing = S3Addressing::kPath,
                                      .stall_timeout = std::chrono::seconds(1),
                                      .random = [] { return 0.0; }}};
    options.client.max_attempts = max_attempts_;
    const auto read = [this]() -> Result<Credentials> {
      ++asked_;
      return Credentials{.access_key_id = "AKID",
                         .secret_access_key = "secret",
                         .session_token = fmt::format("token-{}", asked_)};
    };
    store_ = std::make_unique<S3Store>(options, std::make_shared<HttpClient>(HttpClientOptions()),
                                       std::vector<CredentialSource>{{"the test", read}}, clock_);
  }
  Result<std::string> Read(const ObjectInfo& info) {
    std::string text;
    SARAI_CHECK_OK(store_->Get(info, [&](std::span<const std::byte> bytes) {
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return Status();
    }));
    return text;
  }
  std::string Authorization(size_t index) const {
    return std::string(server_->requests().at(index).headers.Get("Authorization"));
  }

  RealClock clock_;
  int asked_ = 0;
  int max_attempts_ = 4;
  std::unique_ptr<TestHttpServer> server_;
  std::unique_ptr<S3Store> store_;
};

const ObjectInfo kObject{.key = "a b", .etag = "\"v1\"", .size = 5};

TEST_F(S3ClientTest, TriesAgainWhenTheServerIsBusyOrHangsUp) {
  Serve([](const http::Request&, int index) {
    if (index == 0) return TestHttpServer::Reply(503, ErrorXml("SlowDown"));
    if (index == 1) return std::string();
    if (index == 2) return std::string("HTTP/1.1 206 Part\r\nContent-Length: 5\r\n\r\nhel");
    return TestHttpServer::Reply(206, "hello", "ETag: \"v1\"\r\n");
  });
  EXPECT_EQ(Read(kObject).value_or("error"), "hello");
  ASSERT_EQ(server_->requests().size(), 4u);
  const http::Request request = server_->requests()[3];
  EXPECT_EQ(request.target, "/bucket/a%20b");
  EXPECT_EQ(request.headers.Get("Range"), "bytes=0-4");
  EXPECT_EQ(request.headers.Get("If-Match"), "\"v1\"");
}

TEST_F(S3ClientTest, GivesUpAfterTheBoundWithTheLastReason) {
  max_attempts_ = 3;
  Serve([](const http::Request&, int) {
    return TestHttpServer::Reply(500, ErrorXml("InternalError"));
  });
  const auto list = store_->List("", false, "");
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().code(), Code::kUnavailable);
  EXPECT_THAT(list.error().message(), HasSubstr("500 InternalError: said so"));
  EXPECT_EQ(server_->requests().size(), 3u);
}

TEST_F(S3ClientTest, DoesNotTryAgainWhatWillStayWrong) {
  Serve([](const http::Request&, int) {
    return TestHttpServer::Reply(404, ErrorXml("NoSuchBucket"));
  });
  const auto list = store_->List("", false, "");
  EXPECT_EQ(list.error().code(), Code::kNotFound);
  EXPECT_THAT(list.error().message(), HasSubstr("no bucket for 's3://bucket/'"));
  EXPECT_EQ(server_->requests().size(), 1u);
}

TEST_F(S3ClientTest, FollowsTheBucketToItsRegionAndStaysThere) {
  Serve([](const http::Request& request, int) {
    const bool there =
        request.headers.Get("Authorization").find("/eu-west-1/s3/") != std::string_view::npos;
    if (!there) return TestHttpServer::Reply(301, "", "x-amz-bucket-region: eu-west-1\r\n");
    return TestHttpServer::Reply(206, "hello");
  });
  EXPECT_EQ(Read(kObject).value_or("error"), "hello");
  EXPECT_EQ(Read(kObject).value_or("error"), "hello");
  EXPECT_EQ(server_->requests().size(), 3u);
}

TEST_F(S3ClientTest, TakesTheRegionFromTheErrorItself) {
  Serve([](const http::Request&, int index) {
    if (index > 0) return TestHttpServer::Reply(206, "hello");
    return TestHttpServer::Reply(
        400, ErrorXml("AuthorizationHeaderMalformed", "<Region>ap-south-1</Region>"));
  });
  EXPECT_EQ(Read(kObject).value_or("error"), "hello");
  EXPECT_THAT(Authorization(1), HasSubstr("/ap-south-1/s3/"));
}

TEST_F(S3ClientTest, ABucketThatIsAlwaysElsewhereIsAnErrorNotALoop) {
  Serve([](const http::Request&, int index) {
    return TestHttpServer::Reply(301, "", fmt::format("x-amz-bucket-region: r-{}\r\n", index));
  });
  EXPECT_EQ(Read(kObject).error().code(), Code::kFailedPrecondition);
  EXPECT_EQ(server_->requests().size(), 2u);
}

TEST_F(S3ClientTest, RenewsExpiredCredentialsOnce) {
  Serve([](const http::Request& request, int) {
    if (request.headers.Get("X-Amz-Security-Token") == "token-1") {
      return TestHttpServer::Reply(400, ErrorXml("ExpiredToken"));
    }
    return TestHttpServer::Reply(206, "hello");
  });
  EXPECT_EQ(Read(kObject).value_or("error"), "hello");
  EXPECT_EQ(asked_, 2);
}

TEST_F(S3ClientTest, NoAccessReadsAsNotFoundAndBadCredentialsAsDenied) {
  std::string code;
  Serve([&code](const http::Request& request, int) {
    return TestHttpServer::Reply(403, request.method == "HEAD" ? "" : ErrorXml(code));
  });
  code = "AccessDenied";
  EXPECT_EQ(store_->Head("k").error().code(), Code::kNotFound);
  EXPECT_THAT(store_->Head("k").error().message(), HasSubstr("no access"));
  code = "InvalidAccessKeyId";
  EXPECT_EQ(store_->Head("k").error().code(), Code::kPermissionDenied);
  EXPECT_THAT(store_->Head("k").error().message(), HasSubstr("InvalidAccessKeyId: said so"));
}

TEST_F(S3ClientTest, NoticesAServerThatIgnoresIfMatch) {
  Serve([](const http::Request&, int) {
    return TestHttpServer::Reply(206, "hello", "ETag: \"v2\"\r\n");
  });
  EXPECT_EQ(Read(kObject).error().code(), Code::kFailedPrecondition);
}

TEST_F(S3ClientTest, NoticesAServerThatSendsTooFewOrTooManyBytes) {
  Serve([](const http::Request&, int index) {
    return TestHttpServer::Reply(206, index == 0 ? "hell" : "hello and more");
  });
  EXPECT_EQ(Read(kObject).error().code(), Code::kUnavailable);
  EXPECT_EQ(Read(kObject).error().code(), Code::kUnavailable);
}

TEST_F(S3ClientTest, AnObjectWithoutAnETagCannotBePinned) {
  Serve([](const http::Request&, int) { return TestHttpServer::Reply(200, ""); });
  EXPECT_EQ(store_->Head("k").error().code(), Code::kUnimplemented);
}

TEST_F(S3ClientTest, AServerThatStopsTalkingIsGivenUp) {
  max_attempts_ = 1;
  std::promise<void> released;
  Serve([&](const http::Request&, int) {
    released.get_future().wait();
    return std::string();
  });
  const auto read = Read(kObject);
  released.set_value();
  EXPECT_EQ(read.error().code(), Code::kDeadlineExceeded);
  EXPECT_THAT(read.error().message(), HasSubstr("s3://bucket/a b"));
}

TEST_F(S3ClientTest, AReplyThatIsNoListingIsAnError) {
  Serve([](const http::Request&, int index) {
    return TestHttpServer::Reply(
        200, index == 0 ? "<html>hello</html>" : "<ListBucketResult><IsTruncated>true");
  });
  EXPECT_EQ(store_->List("", false, "").error().code(), Code::kUnavailable);
  EXPECT_EQ(store_->List("", false, "").error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace sarai::store
