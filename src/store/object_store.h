// Seam 4 of 6: objects behind a URL. Implementations: S3 (any compatible server) and local files.
// All calls block; they are made on loader threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"

namespace sarai::store {

struct ObjectInfo {
  std::string key;   // as listed: below the bucket, or a path
  std::string etag;  // opaque version tag, quotes kept; changes when the bytes change
  uint64_t size = 0;
};

struct ListPage {
  std::vector<ObjectInfo> objects;
  std::vector<std::string> prefixes;  // with delimiter "/": the "folders" of this level
  std::string continuation;           // empty on the last page
};

// Receives the bytes of an object in order; returning an error stops the transfer with it.
using ByteSink = std::function<Status(std::span<const std::byte>)>;

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // Errors: kNotFound (missing, or not readable without list permission), kPermissionDenied,
  // kUnavailable (after bounded retries), kDeadlineExceeded.
  virtual Result<ObjectInfo> Head(const std::string& key) = 0;

  // Streams the whole object pinned to `info.etag`: parts of two versions never mix. Errors as
  // Head, and kFailedPrecondition when the object changed meanwhile.
  virtual Status Get(const ObjectInfo& info, const ByteSink& sink) = 0;

  // Keys that begin with `prefix`, at most 1,000 a page.
  virtual Result<ListPage> List(const std::string& prefix, bool by_folder,
                                const std::string& continuation) = 0;
};

}  // namespace sarai::store
