// The repository index as both front ends tell it.
#pragma once

#include <vector>

#include "instance/model_manager.h"
#include "wire/kserve/kserve.h"

namespace sarai::instance {

// An entry per version of a model that was ever loaded, one without version for others.
std::vector<kserve::IndexEntry> IndexEntriesOf(const std::vector<IndexRow>& rows, bool only_ready);

}  // namespace sarai::instance
