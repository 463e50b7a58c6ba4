// Where artifacts live: "s3://bucket/prefix/", "file:///abs/dir", "/abs/dir".
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace sarai::store {

struct Location {
  std::string scheme;  // "s3", "file"
  std::string bucket;  // s3 only
  std::string key;     // below the bucket, or an absolute path
};

// Error names the URL. `%20` is read as a space in file:// URLs only: S3 keys are taken literally.
Result<Location> ParseLocation(const std::string& url);

// The same place as a URL, for messages and as the name of an artifact.
std::string LocationUrl(const Location& location);

// The key of a TargetModel below an endpoint's prefix; one "/" stands between the two, whether or
// not the prefix ends in it. Errors (kInvalidArgument): empty, longer than 1,024 bytes, control
// characters; for file locations also "." and ".." segments, which would leave the prefix.
Result<std::string> JoinKey(const Location& prefix, std::string_view target);

}  // namespace sarai::store
