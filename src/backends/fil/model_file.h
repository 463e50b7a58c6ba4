// The file of a model, read whole.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace sarai::backends::fil {

inline constexpr uint64_t kFeaturesMax = 1 << 20;  // of one row; more is a damaged file

// Errors: kNotFound, kDataLoss when it cannot be read or is empty.
Result<std::string> ReadModelFile(const std::string& path);

}  // namespace sarai::backends::fil
