// AWS Signature Version 4: signing requests (to S3, STS), and reading what a signed request says of
// itself. Source: "Create a signed AWS API request", IAM user guide; S3's rules differ in that its
// paths are encoded once and the payload's hash is sent along.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "wire/http/message.h"

namespace sarai::sigv4 {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;  // of temporary credentials; empty = none
};

struct Scope {
  std::string region;   // "us-east-1"
  std::string service;  // "s3", "sagemaker"
};

// Lower-case hexadecimal.
std::string Sha256Hex(std::string_view bytes);

// Adds Host, X-Amz-Date, X-Amz-Security-Token, for S3 X-Amz-Content-Sha256, and Authorization.
// Signs every header the request holds then. `request.target` must be percent-encoded already (S3:
// once). `payload_hash` is Sha256Hex of the body.
void Sign(http::Request& request, std::string_view host, const Scope& scope,
          const Credentials& credentials, WallTime now, std::string_view payload_hash);

// Who signed for what, by the Authorization header or a presigned query. The signature itself is
// not looked at.
struct SignedBy {
  std::string access_key_id;
  std::string date;  // "20260131"
  std::string region;
  std::string service;
};
std::optional<SignedBy> ReadScope(const http::Request& request);

std::optional<std::string> RegionOf(const http::Request& request);

}  // namespace sarai::sigv4
