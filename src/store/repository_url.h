// Where a model repository lies, in Triton's words for it:
//   /models, models, file:///models                     a local folder
//   s3://bucket/prefix                                  the usual S3 endpoint
//   s3://host:port/bucket/prefix                        that endpoint, over HTTP
//   s3://http://host:port/bucket, s3://https://…        that endpoint
// Source: Triton docs/user_guide/model_repository.md.
#pragma once

#include <string>

#include "base/status.h"
#include "store/location.h"

namespace sarai::store {

struct RepositoryUrl {
  bool remote = false;
  std::string path;      // local: as given, without "file://"
  Location location;     // remote: the key is empty or ends in "/"
  std::string endpoint;  // remote: "http://host:port"; empty = the usual one
  // Remote: the URL of what lies below it, "s3://http://host:port/bucket/prefix/" + name.
  std::string base() const;
};

// Errors (kInvalidArgument) name the URL.
Result<RepositoryUrl> ParseRepositoryUrl(const std::string& url);

}  // namespace sarai::store
