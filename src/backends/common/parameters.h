// Reading free-form parameters of a model's config and a backend's settings.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/status.h"

namespace sarai::backends {

// "true"/"1"/"on"/"yes" and "false"/"0"/"off"/"no", any case; nothing when absent. Errors:
// kInvalidArgument.
Result<std::optional<bool>> FlagParameter(const std::map<std::string, std::string>& parameters,
                                          const std::string& name);

// A whole number in [min, max]; nothing when absent. Errors: kInvalidArgument.
Result<std::optional<int>> IntParameter(const std::map<std::string, std::string>& parameters,
                                        const std::string& name, int min, int max);

}  // namespace sarai::backends
