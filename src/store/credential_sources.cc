#include "store/credential_sources.h"

#include <array>

#include "base/strings.h"
#include "store/command_output.h"
#include "store/files.h"
#include "store/s3_xml.h"
#include "wire/http/uri.h"

namespace sarai::store {
namespace {

constexpr std::chrono::milliseconds kMetadataTimeout{1000};
constexpr std::chrono::milliseconds kStsTimeout{10'000};
constexpr std::chrono::milliseconds kProcessTimeout{60'000};
constexpr uint64_t kMaxTokenBytes = 64 * 1024;
constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr std::string_view kMetadataHost = "http://169.254.169.254";

std::unexpected<Status> NotConfigured(std::string_view reason) {
  return Error(Code::kNotFound, "{}", reason);
}

// One request to a metadata service beside this machine: short, and never through a proxy.
Result<HttpReply> AskMetadata(HttpClient& client, HttpCall call) {
  call.connect_timeout = call.stall_timeout = kMetadataTimeout;
  call.total_timeout = 2 * kMetadataTimeout;
  call.max_body_bytes = kMaxTokenBytes;
  call.use_proxy = false;
  return client.Perform(call);
}

std::string Role(const CredentialSettings& settings, std::string& token_file) {
  token_file = Variable(settings.environment, "AWS_WEB_IDENTITY_TOKEN_FILE");
  const std::string& role = Variable(settings.environment, "AWS_ROLE_ARN");
  if (!token_file.empty() && !role.empty()) return role;
  token_file = settings.profile.value("web_identity_token_file");
  return settings.profile.value("role_arn");
}

std::string StsUrl(const CredentialSettings& settings) {
  const std::string& given = Variable(settings.environment, "AWS_ENDPOINT_URL_STS");
  if (!given.empty()) return given;
  return settings.region.empty() ? "https://sts.amazonaws.com/"
                                 : fmt::format("https://sts.{}.amazonaws.com/", settings.region);
}

std::string StsForm(const CredentialSettings& settings, const std::string& role,
                    std::string_view token, const Clock& clock) {
  std::string session = Variable(settings.environment, "AWS_ROLE_SESSION_NAME");
  if (session.empty()) {
    session = fmt::format("sarai-{}", clock.WallNow().time_since_epoch().count());
  }
  return fmt::format(
      "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn={}&RoleSessionName={}"
      "&WebIdentityToken={}",
      http::PercentEncode(role), http::PercentEncode(session), http::PercentEncode(token));
}

// A full URI may only lead to this machine or to AWS's own addresses, or be encrypted: it is sent a
// secret.
bool IsAllowedContainerUri(std::string_view uri) {
  if (uri.starts_with("https://")) return true;
  static constexpr std::array<std::string_view, 6> kHosts{
      "127.0.0.1", "localhost", "[::1]", "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
  for (const std::string_view host : kHosts) {
    const std::string start = fmt::format("http://{}", host);
    if (!uri.starts_with(start)) continue;
    const std::string_view rest = uri.substr(start.size());
    if (rest.empty() || rest.front() == '/' || rest.front() == ':') return true;
  }
  return false;
}

Result<std::string> ContainerToken(const Environment& environment) {
  const std::string& file = Variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (file.empty()) return Variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  SARAI_TRY(const std::string text, ReadFile(file, kMaxTokenBytes));
  return std::string(Trim(text));
}

}  // namespace

Result<Credentials> CredentialsFromEnvironment(const Environment& environment) {
  Credentials credentials{.access_key_id = Variable(environment, "AWS_ACCESS_KEY_ID"),
                          .secret_access_key = Variable(environment, "AWS_SECRET_ACCESS_KEY"),
                          .session_token = Variable(environment, "AWS_SESSION_TOKEN")};
  if (credentials.access_key_id.empty() && credentials.secret_access_key.empty()) {
    return NotConfigured("AWS_ACCESS_KEY_ID is not set");
  }
  if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
    return Error(Code::kPermissionDenied,
                 "only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set");
  }
  return credentials;
}

Result<Credentials> CredentialsFromWebIdentity(const CredentialSettings& settings,
                                               HttpClient& client, const Clock& clock) {
  std::string token_file;
  const std::string role = Role(settings, token_file);
  if (token_file.empty()) return NotConfigured("AWS_WEB_IDENTITY_TOKEN_FILE is not set");
  if (role.empty()) {
    return Error(Code::kPermissionDenied, "there is a token file but no AWS_ROLE_ARN");
  }
  auto token = ReadFile(token_file, kMaxTokenBytes);
  if (!token) return Error(Code::kPermissionDenied, "{}", token.error().message());
  const HttpCall call{.method = "POST",
                      .url = StsUrl(settings),
                      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                      .body = StsForm(settings, role, Trim(*token), clock),
                      .total_timeout = kStsTimeout};
  SARAI_TRY(const HttpReply reply, client.Perform(call));
  if (!reply.ok()) {
    const S3ErrorBody error = ParseS3Error(reply.body);
    return Error(reply.status >= 500 ? Code::kUnavailable : Code::kPermissionDenied,
                 "STS answered {} {}: {}", reply.status, error.code, error.message);
  }
  SARAI_TRY(const StsCredentials keys, ParseStsCredentials(reply.body));
  return Credentials{.access_key_id = keys.access_key_id,
                     .secret_access_key = keys.secret_access_key,
                     .session_token = keys.session_token,
                     .expires = ParseExpiration(keys.expiration)};
}

Result<Credentials> CredentialsFromProfile(const CredentialSettings& settings, const Clock& clock) {
  const Profile& profile = settings.profile;
  const std::string source = fmt::format("profile '{}'", profile.name);
  if (!profile.value("aws_access_key_id").empty()) {
    if (profile.value("aws_secret_access_key").empty()) {
      return Error(Code::kPermissionDenied, "{} has a key id but no aws_secret_access_key", source);
    }
    return Credentials{.access_key_id = profile.value("aws_access_key_id"),
                       .secret_access_key = profile.value("aws_secret_access_key"),
                       .session_token = profile.value("aws_session_token"),
                       .source = source};
  }
  const std::string& command = profile.value("credential_process");
  if (!command.empty()) {
    SARAI_TRY(const std::string text,
              CommandOutput(command, settings.environment, kProcessTimeout, kMaxTokenBytes, clock));
    return ParseCredentialsJson(text);
  }
  for (const std::string_view unknown : {"source_profile", "credential_source", "sso_session"}) {
    if (profile.value(unknown).empty()) continue;
    return Error(Code::kUnimplemented,
                 "{} uses {}: put keys or a credential_process into it instead", source, unknown);
  }
  return NotConfigured(fmt::format("{} has no keys", source));
}

Result<Credentials> CredentialsFromContainer(const Environment& environment, HttpClient& client) {
  const std::string& relative = Variable(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  std::string uri = Variable(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!relative.empty()) uri = std::string(kContainerHost) + relative;
  if (uri.empty()) return NotConfigured("AWS_CONTAINER_CREDENTIALS_FULL_URI is not set");
  if (!IsAllowedContainerUri(uri)) {
    return Error(Code::kPermissionDenied,
                 "AWS_CONTAINER_CREDENTIALS_FULL_URI '{}' is neither https nor on this machine",
                 uri);
  }
  SARAI_TRY(const std::string token, ContainerToken(environment));
  HttpCall call{.url = uri};
  if (!token.empty()) call.headers.emplace_back("Authorization", token);
  SARAI_TRY(const HttpReply reply, AskMetadata(client, std::move(call)));
  if (!reply.ok()) return Error(Code::kUnavailable, "'{}' answered {}", uri, reply.status);
  return ParseCredentialsJson(reply.body);
}

Result<Credentials> CredentialsFromInstanceMetadata(const Environment& environment,
                                                    HttpClient& client) {
  if (EqualsIgnoreCase(Variable(environment, "AWS_EC2_METADATA_DISABLED"), "true")) {
    return NotConfigured("AWS_EC2_METADATA_DISABLED is set");
  }
  std::string host = Variable(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  if (host.empty()) host = kMetadataHost;
  while (host.ends_with('/')) host.pop_back();
  const auto token =
      AskMetadata(client, {.method = "PUT",
                           .url = host + "/latest/api/token",
                           .headers = {{"X-aws-ec2-metadata-token-ttl-seconds", "21600"}}});
  if (!token) return NotConfigured(token.error().message());
  if (!token->ok()) return NotConfigured(fmt::format("{} answered {}", host, token->status));
  const auto get = [&](const std::string& path) {
    return AskMetadata(client, {.url = host + "/latest/meta-data/iam/security-credentials/" + path,
                                .headers = {{"X-aws-ec2-metadata-token", token->body}}});
  };
  SARAI_TRY(const HttpReply roles, get(""));
  const std::string role(Trim(std::string_view(roles.body).substr(0, roles.body.find('\n'))));
  if (!roles.ok() || role.empty()) return NotConfigured("the instance has no role");
  SARAI_TRY(const HttpReply reply, get(http::PercentEncode(role)));
  if (!reply.ok()) return Error(Code::kUnavailable, "{} answered {}", host, reply.status);
  return ParseCredentialsJson(reply.body);
}

std::vector<CredentialSource> StandardCredentialSources(const CredentialSettings& settings,
                                                        HttpClient& client, const Clock& clock) {
  const Environment& environment = settings.environment;
  return {
      {"the environment", [environment] { return CredentialsFromEnvironment(environment); }},
      {"web identity",
       [settings, &client, &clock] { return CredentialsFromWebIdentity(settings, client, clock); }},
      {"the shared files", [settings, &clock] { return CredentialsFromProfile(settings, clock); }},
      {"the container",
       [environment, &client] { return CredentialsFromContainer(environment, client); }},
      {"instance metadata",
       [environment, &client] { return CredentialsFromInstanceMetadata(environment, client); }},
  };
}

}  // namespace sarai::store
