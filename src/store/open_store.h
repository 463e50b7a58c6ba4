// From a URL to the store behind it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/clock.h"
#include "store/location.h"
#include "store/object_store.h"

namespace sarai::store {

enum class S3Addressing { kAuto, kPath, kVirtual };

struct S3Options {
  std::string endpoint;  // "http://127.0.0.1:9000"; empty = AWS_ENDPOINT_URL_S3,
                         // AWS_ENDPOINT_URL, the profile's endpoint_url, AWS
  std::string region;    // empty = AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1
  S3Addressing addressing = S3Addressing::kAuto;
  uint64_t part_bytes = 8ull << 20;  // of a ranged GET
  int max_parallel_parts = 4;
  int max_attempts = 4;  // per request, with exponential back-off
  std::chrono::milliseconds connect_timeout{3000};
  std::chrono::milliseconds stall_timeout{20000};  // no byte for this long
};

// The process environment as a value (read once, by cli).
using Environment = std::map<std::string, std::string, std::less<>>;

// Opens the bucket (s3) or the file system; keys given to it are Location::key plus what follows.
// Credentials by the standard chain: environment, shared credentials and config files (profiles),
// web identity, container, instance metadata; refreshed before they expire.
Result<std::shared_ptr<ObjectStore>> OpenObjectStore(const Location& location,
                                                     const S3Options& options,
                                                     const Environment& environment,
                                                     const Clock& clock);

}  // namespace sarai::store
