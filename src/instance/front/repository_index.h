// What both front ends tell of the repository.
#pragma once

#include <vector>

#include "instance/model_manager.h"
#include "wire/kserve/kserve.h"

namespace sarai::instance {

// An entry per version of a model that was ever loaded, one without version for others.
std::vector<kserve::IndexEntry> IndexEntriesOf(const std::vector<IndexRow>& rows, bool only_ready);

// After an unload: as in Triton, what is in no repository is not loaded either.
inline bool IsUnloaded(const Status& status) {
  return status.ok() || status.code() == Code::kNotFound;
}

}  // namespace sarai::instance
