// Model folders made of the files that a load request brought ("file:1/model.onnx"). They lie below
// one temporary folder of this process, which goes with it.
//
// Threads: any; every call blocks on the disk. Invariant: nothing is written outside the folder
// that Write returns.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/blob.h"
#include "base/status.h"

namespace sarai::instance {

class OverrideFiles {
 public:
  OverrideFiles() = default;
  ~OverrideFiles();

  // The folder that now holds these files, by their paths relative to it. Errors: kInvalidArgument
  // names the path that leaves it or that another one makes a folder; kResourceExhausted.
  Result<std::string> Write(const std::map<std::string, Blob>& files);
  void Remove(const std::string& folder);

 private:
  Result<std::string> MakeFolder();

  std::mutex mu_;
  std::string root_;     // guarded by mu_; empty = not made yet
  uint64_t number_ = 0;  // guarded by mu_
};

}  // namespace sarai::instance
