// Which versions of which object are which trees: index/<sha256 of url>.json, one file per URL.
// Owned by the disk tier, under its lock.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/status.h"

namespace sarai::store {

class FetchIndex {
 public:
  struct Version {
    std::string etag;
    std::string digest;  // of the tree
  };

  explicit FetchIndex(std::string directory) : directory_(std::move(directory)) {}

  // Reads what is there and forgets versions whose tree is gone, and files that make no sense.
  Status Open(const std::function<bool(const std::string& digest)>& is_here);

  // Makes this the last version seen of the object; `scratch` is a free name for ReplaceFile.
  Status Record(const std::string& url, const Version& version, const std::string& scratch);
  // Forgets every version that is this tree. It may fail to say so on a full disk: Open drops what
  // refers to nothing.
  void Forget(const std::string& digest, const std::string& scratch);

  std::optional<std::string> Find(const std::string& url, const std::string& etag) const;
  // The last version seen.
  std::optional<Version> Last(const std::string& url) const;
  // One (url, version) for every tree that some version is; a tree may have several.
  std::map<std::string, std::pair<std::string, Version>> Sources() const;
  bool Knows(const std::string& digest) const;

 private:
  using Versions = std::vector<Version>;  // oldest first

  std::string PathOf(const std::string& url) const;
  Status Read(const std::string& path, const std::function<bool(const std::string&)>& is_here);
  Status Write(const std::string& url, const Versions& versions, const std::string& scratch) const;

  const std::string directory_;
  std::map<std::string, Versions, std::less<>> urls_;
};

}  // namespace sarai::store
