// What a model's folder looks like from outside: where in an unpacked artifact the model is, how
// large its files are, and whether they have changed. Blocks on the file system.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace sarai::instance {

// The folder to load in an unpacked artifact: the root when it holds config.pbtxt, a version folder
// or model files itself, otherwise its only subfolder ("resnet/" in the walk-through's archives).
// Errors: kDataLoss for an empty artifact, kUnimplemented for several models in one.
Result<std::string> FindModelFolder(const std::string& tree);

struct FolderFacts {
  uint64_t bytes = 0;       // of all regular files
  std::string fingerprint;  // changes with any file's path, size or modification time
};
// Errors: kNotFound when it is no folder or cannot be read.
Result<FolderFacts> LookAtFolder(const std::string& folder);

}  // namespace sarai::instance
