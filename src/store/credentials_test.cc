#include "store/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/credential_sources.h"
#include "store/test_archive.h"
#include "store/test_http_server.h"

namespace sarai::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr char kJson[] =
    R"({"Code":"Success","AccessKeyId":"AKID","SecretAccessKey":"SECRET","Token":"TOKEN",)"
    R"("Expiration":"2026-01-31T12:00:00Z"})";

void ExpectKeys(const Result<Credentials>& credentials, const std::string& token = "TOKEN") {
  ASSERT_TRUE(credentials.has_value()) << credentials.error().ToString();
  EXPECT_EQ(credentials->access_key_id, "AKID");
  EXPECT_EQ(credentials->secret_access_key, "SECRET");
  EXPECT_EQ(credentials->session_token, token);
}

class CredentialSourcesTest : public ::testing::Test {
 protected:
  CredentialSettings Settings(Environment environment) {
    environment.try_emplace("HOME", folder_.path());
    auto profile = LoadProfile(environment);
    EXPECT_TRUE(profile.has_value()) << profile.error().ToString();
    return {
        .environment = environment, .profile = profile.value_or(Profile()), .region = "eu-west-1"};
  }

  TestFolder folder_;
  RealClock clock_;
  HttpClient client_{HttpClientOptions{}};
};

TEST_F(CredentialSourcesTest, ReadsTheEnvironment) {
  ExpectKeys(CredentialsFromEnvironment({{"AWS_ACCESS_KEY_ID", "AKID"},
                                         {"AWS_SECRET_ACCESS_KEY", "SECRET"},
                                         {"AWS_SESSION_TOKEN", "TOKEN"}}));
  EXPECT_EQ(CredentialsFromEnvironment({}).error().code(), Code::kNotFound);
  EXPECT_EQ(CredentialsFromEnvironment({{"AWS_ACCESS_KEY_ID", "AKID"}}).error().code(),
            Code::kPermissionDenied);
}

TEST_F(CredentialSourcesTest, ReadsProfilesOfBothSharedFiles) {
  folder_.Write(".aws/credentials",
                "# comment\n[default]\naws_access_key_id = WRONG\n\n[work]\n"
                "AWS_ACCESS_KEY_ID=AKID\naws_secret_access_key = SECRET # mine\n");
  folder_.Write(
      ".aws/config",
      "[profile work]\nregion = eu-north-1\naws_access_key_id = CONFIG\n"
      "s3 =\n  addressing_style = path\naws_session_token = TOKEN\n[sso-session work]\nx=y\n");
  const CredentialSettings settings = Settings({{"AWS_PROFILE", "work"}});
  ExpectKeys(CredentialsFromProfile(settings, clock_));
  EXPECT_EQ(settings.profile.value("region"), "eu-north-1");
  EXPECT_EQ(settings.profile.value("addressing_style"), "");
  const auto missing = LoadProfile({{"HOME", folder_.path()}, {"AWS_PROFILE", "nobody"}});
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message(), HasSubstr("'nobody'"));
  EXPECT_EQ(CredentialsFromProfile(Settings({{"HOME", "/nowhere"}}), clock_).error().code(),
            Code::kNotFound);
}

TEST_F(CredentialSourcesTest, RunsTheProfilesCredentialProcess) {
  folder_.Write("config",
                fmt::format("[default]\ncredential_process = echo '{}' $NOTHING\n", kJson));
  ExpectKeys(
      CredentialsFromProfile(Settings({{"AWS_CONFIG_FILE", folder_.path("config")}}), clock_));
  folder_.Write("config", "[default]\ncredential_process = exit 3\n");
  const auto failed =
      CredentialsFromProfile(Settings({{"AWS_CONFIG_FILE", folder_.path("config")}}), clock_);
  ASSERT_FALSE(failed.has_value());
  EXPECT_THAT(failed.error().message(), HasSubstr("'exit 3' failed (status 3)"));
}

TEST_F(CredentialSourcesTest, ExchangesAWebIdentityTokenAtSts) {
  TestHttpServer sts([](const http::Request&, int) {
    return TestHttpServer::Reply(
        200,
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
        "<AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>AKID</AccessKeyId>"
        "<SecretAccessKey>SECRET</SecretAccessKey><SessionToken>TOKEN</SessionToken>"
        "<Expiration>2026-01-31T12:00:00Z</Expiration></Credentials>"
        "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>");
  });
  folder_.Write("token", "web+token\n");
  const auto credentials =
      CredentialsFromWebIdentity(Settings({{"AWS_ENDPOINT_URL_STS", sts.url() + "/"},
                                           {"AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r"},
                                           {"AWS_WEB_IDENTITY_TOKEN_FILE", folder_.path("token")}}),
                                 client_, clock_);
  ExpectKeys(credentials);
  EXPECT_EQ(credentials->expires, ParseExpiration("2026-01-31T12:00:00Z"));
  const auto requests = sts.requests();
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].method, "POST");
  EXPECT_THAT(std::string(requests[0].body.text()),
              AllOf(HasSubstr("Action=AssumeRoleWithWebIdentity&"),
                    HasSubstr("&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fr&"),
                    HasSubstr("&WebIdentityToken=web%2Btoken")));
}

TEST_F(CredentialSourcesTest, SaysWhatStsRefuses) {
  TestHttpServer sts([](const http::Request&, int) {
    return TestHttpServer::Reply(400,
                                 "<ErrorResponse><Error><Code>ExpiredTokenException</Code>"
                                 "<Message>too old</Message></Error></ErrorResponse>");
  });
  folder_.Write("token", "t");
  const auto refused =
      CredentialsFromWebIdentity(Settings({{"AWS_ENDPOINT_URL_STS", sts.url()},
                                           {"AWS_ROLE_ARN", "arn"},
                                           {"AWS_WEB_IDENTITY_TOKEN_FILE", folder_.path("token")}}),
                                 client_, clock_);
  EXPECT_EQ(refused.error().code(), Code::kPermissionDenied);
  EXPECT_THAT(refused.error().message(), HasSubstr("ExpiredTokenException: too old"));
}

TEST_F(CredentialSourcesTest, AsksTheContainerWithItsToken) {
  TestHttpServer container(
      [](const http::Request&, int) { return TestHttpServer::Reply(200, kJson); });
  folder_.Write("token", "Basic abc\n");
  ExpectKeys(
      CredentialsFromContainer({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", container.url() + "/role"},
                                {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", folder_.path("token")}},
                               client_));
  EXPECT_EQ(container.requests()[0].target, "/role");
  EXPECT_EQ(container.requests()[0].headers.Get("Authorization"), "Basic abc");
}

TEST_F(CredentialSourcesTest, SendsTheContainersTokenNowhereElse) {
  for (const char* uri : {"http://example.com/", "http://localhost.example.com/",
                          "http://127.0.0.1@example.com/", "ftp://127.0.0.1/"}) {
    const auto refused =
        CredentialsFromContainer({{"AWS_CONTAINER_CREDENTIALS_FULL_URI", uri}}, client_);
    EXPECT_EQ(refused.error().code(), Code::kPermissionDenied) << uri;
  }
}

TEST_F(CredentialSourcesTest, AsksInstanceMetadataWithASessionToken) {
  TestHttpServer metadata([](const http::Request& request, int) {
    if (request.method == "PUT") return TestHttpServer::Reply(200, "session");
    if (request.headers.Get("X-aws-ec2-metadata-token") != "session") {
      return TestHttpServer::Reply(401, "");
    }
    const bool role = request.target.ends_with("/my-role");
    return TestHttpServer::Reply(200, role ? kJson : "my-role\n");
  });
  const Environment environment{{"AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url() + "/"}};
  ExpectKeys(CredentialsFromInstanceMetadata(environment, client_));
  const auto requests = metadata.requests();
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0].target, "/latest/api/token");
  EXPECT_EQ(requests[0].headers.Get("X-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(requests[2].target, "/latest/meta-data/iam/security-credentials/my-role");
}

TEST_F(CredentialSourcesTest, WithoutAnySaysWhereItLooked) {
  CredentialsProvider provider(
      StandardCredentialSources(Settings({{"AWS_EC2_METADATA_DISABLED", "true"}}), client_, clock_),
      clock_);
  const auto none = provider.Get();
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code(), Code::kPermissionDenied);
  EXPECT_THAT(none.error().message(),
              AllOf(HasSubstr("AWS_ACCESS_KEY_ID is not set"),
                    HasSubstr("AWS_WEB_IDENTITY_TOKEN_FILE is not set"),
                    HasSubstr("profile 'default' has no keys"),
                    HasSubstr("AWS_CONTAINER_CREDENTIALS_FULL_URI is not set"),
                    HasSubstr("AWS_EC2_METADATA_DISABLED is set")));
}

TEST(ParseCredentialsJsonTest, RefusesWhatHoldsNoKeys) {
  for (const char* text : {"", "[]", "{}", R"({"AccessKeyId":"a"})",
                           R"({"AccessKeyId":"a","SecretAccessKey":"b","Expiration":"soon"})"}) {
    EXPECT_FALSE(ParseCredentialsJson(text).has_value()) << text;
  }
}

TEST(ParseExpirationTest, ReadsZonesAndFractions) {
  const auto noon = ParseExpiration("2026-01-31T12:00:00Z");
  ASSERT_TRUE(noon.has_value());
  EXPECT_EQ(noon->time_since_epoch(), std::chrono::seconds(1'769'860'800));
  EXPECT_EQ(ParseExpiration("2026-01-31T12:00:00.5Z"), noon);
  EXPECT_EQ(ParseExpiration("2026-01-31T14:30:00+02:30"), noon);
  EXPECT_EQ(ParseExpiration("2026-01-31T09:30:00-02:30"), noon);
  EXPECT_FALSE(ParseExpiration("2026-02-31T12:00:00Z").has_value());
  EXPECT_FALSE(ParseExpiration("2026-01-31").has_value());
}

class CredentialsProviderTest : public ::testing::Test {
 protected:
  Result<Credentials> Read() {
    ++asked_;
    if (failing_) return Error(Code::kUnavailable, "no answer");
    Credentials credentials{.access_key_id = fmt::format("key-{}", asked_)};
    credentials.expires = clock_.WallNow() + std::chrono::hours(1);
    return credentials;
  }

  ManualClock clock_;
  int asked_ = 0;
  bool failing_ = false;
  CredentialsProvider provider_{{{"the test", [this] { return Read(); }}}, clock_};
};

TEST_F(CredentialsProviderTest, AsksOnceAndAgainBeforeTheyExpire) {
  EXPECT_EQ(provider_.Get()->access_key_id, "key-1");
  clock_.Advance(std::chrono::minutes(54));
  EXPECT_EQ(provider_.Get()->access_key_id, "key-1");
  clock_.Advance(std::chrono::minutes(2));
  EXPECT_EQ(provider_.Get()->access_key_id, "key-2");
  EXPECT_EQ(provider_.Get()->source, "the test");
}

TEST_F(CredentialsProviderTest, KeepsWhatIsStillValidWhenTheRefreshFails) {
  EXPECT_TRUE(provider_.Get().has_value());
  failing_ = true;
  clock_.Advance(std::chrono::minutes(56));
  EXPECT_EQ(provider_.Get()->access_key_id, "key-1");
  EXPECT_EQ(provider_.Get()->access_key_id, "key-1");
  EXPECT_EQ(asked_, 2);  // the failure is remembered for a while
  clock_.Advance(std::chrono::minutes(4));
  const auto expired = provider_.Get();
  ASSERT_FALSE(expired.has_value());
  EXPECT_THAT(expired.error().message(), HasSubstr("from the test: no answer"));
  failing_ = false;
  clock_.Advance(std::chrono::seconds(6));
  EXPECT_EQ(provider_.Get()->access_key_id, "key-4");
}

TEST_F(CredentialsProviderTest, AsksAgainForWhatTheServerRefused) {
  const auto first = provider_.Get();
  provider_.Forget(*first);
  const auto second = provider_.Get();
  EXPECT_EQ(second->access_key_id, "key-2");
  provider_.Forget(*first);  // somebody else's late complaint
  EXPECT_EQ(provider_.Get()->access_key_id, "key-2");
}

}  // namespace
}  // namespace sarai::store
