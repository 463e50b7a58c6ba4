// What loading an artifact was measured to cost: measured/<digest>.json, kept when the artifact
// goes. Owned by the disk tier; all methods may be called from any thread.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/status.h"
#include "store/disk_tier.h"

namespace sarai::store {

class MeasuredFigures {
 public:
  explicit MeasuredFigures(std::string directory) : directory_(std::move(directory)) {}

  Status Open();
  std::optional<Measured> Find(const std::string& digest) const;
  // `scratch` is a free name on the same file system.
  Status Set(const std::string& digest, const Measured& measured, const std::string& scratch);

 private:
  const std::string directory_;
  mutable std::mutex mu_;
  std::map<std::string, Measured, std::less<>> figures_;  // by digest; guarded by mu_
};

}  // namespace sarai::store
