// The XML that S3 and STS answer with.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "store/object_store.h"

namespace sarai::store {

// ListObjectsV2's reply. Error: kUnavailable when it is not one.
Result<ListPage> ParseListPage(std::string_view xml);

struct S3ErrorBody {
  std::string code;  // "NoSuchKey"; empty when the text is no S3 error
  std::string message;
  std::string region;  // where the bucket is, when that is what was wrong
};
S3ErrorBody ParseS3Error(std::string_view xml);

struct StsCredentials {
  std::string access_key_id, secret_access_key, session_token, expiration;
};
// AssumeRoleWithWebIdentity's reply.
Result<StsCredentials> ParseStsCredentials(std::string_view xml);

}  // namespace sarai::store
