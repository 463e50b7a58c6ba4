// The places where AWS credentials may be, as CredentialSource has them: kNotFound means that a
// source is not configured.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "store/credentials.h"
#include "store/http_client.h"
#include "store/profile.h"

namespace sarai::store {

struct CredentialSettings {
  Environment environment;
  Profile profile;
  std::string region;  // where STS is asked
};

Result<Credentials> CredentialsFromEnvironment(const Environment& environment);
// AWS_ROLE_ARN with AWS_WEB_IDENTITY_TOKEN_FILE, or the profile's role_arn with
// web_identity_token_file: STS AssumeRoleWithWebIdentity.
Result<Credentials> CredentialsFromWebIdentity(const CredentialSettings& settings, HttpClient& http,
                                               const Clock& clock);
// Keys in the profile, or its credential_process.
Result<Credentials> CredentialsFromProfile(const CredentialSettings& settings, const Clock& clock);
// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI.
Result<Credentials> CredentialsFromContainer(const Environment& environment, HttpClient& http);
// EC2's IMDSv2.
Result<Credentials> CredentialsFromInstanceMetadata(const Environment& environment,
                                                    HttpClient& http);

// All of them in their order. `http` and `clock` must outlive what is returned.
std::vector<CredentialSource> StandardCredentialSources(const CredentialSettings& settings,
                                                        HttpClient& http, const Clock& clock);

// The JSON form that containers, IMDS and credential processes share. Error: kUnavailable.
Result<Credentials> ParseCredentialsJson(std::string_view text);

// "2026-01-31T12:00:00Z" and the like.
std::optional<WallTime> ParseExpiration(std::string_view text);

}  // namespace sarai::store
