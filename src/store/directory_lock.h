// Makes a folder one process's own for as long as that process lives, however it ends.
#pragma once

#include <string>

#include "base/status.h"
#include "base/unique_fd.h"

namespace sarai::store {

class DirectoryLock {
 public:
  // Error: kFailedPrecondition, naming the process that has it.
  static Result<DirectoryLock> Take(const std::string& directory);

 private:
  explicit DirectoryLock(UniqueFd file) : file_(std::move(file)) {}
  UniqueFd file_;  // the kernel lets go of the lock with it
};

}  // namespace sarai::store
