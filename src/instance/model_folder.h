// What a model's folder looks like from outside: how large its files are, and whether they have
// changed. Blocks on the file system.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace sarai::instance {

struct FolderFacts {
  uint64_t bytes = 0;       // of all regular files
  std::string fingerprint;  // changes with any file's path, size or modification time
};
// Errors: kNotFound when it is no folder or cannot be read.
Result<FolderFacts> LookAtFolder(const std::string& folder);

}  // namespace sarai::instance
