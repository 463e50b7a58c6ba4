// Where a bucket answers: path style (endpoint/bucket/key) or virtual-host style
// (bucket.endpoint/key). Pure.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "store/open_store.h"

namespace sarai::store {

struct S3Address {
  std::string scheme;  // "http", "https"
  std::string host;    // with the port unless it is the scheme's own; as the Host header has it
  std::string path_prefix;  // "", "/bucket", "/base/bucket"; encoded
};

// An empty endpoint is AWS's own in `region`. kAuto is virtual-host style on AWS unless the bucket
// has a dot (no certificate covers that), path style elsewhere. Errors: kInvalidArgument.
Result<S3Address> MakeS3Address(std::string_view endpoint, S3Addressing addressing,
                                std::string_view region, std::string_view bucket);

using S3Query = std::vector<std::pair<std::string, std::string>>;  // not encoded

// "/bucket/a%20b"; "/" for the bucket itself in virtual-host style. The key is encoded once.
std::string S3Path(const S3Address& address, std::string_view key);
// "list-type=2&prefix=a%2Fb", sorted by name.
std::string S3QueryText(S3Query query);

}  // namespace sarai::store
