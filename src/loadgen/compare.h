// Two reports beside each other.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace sarai::loadgen {

// A table of now / before, for each load that both have; reports as JsonText writes them. Errors:
// one is no report, or they have no load in common.
Result<std::string> CompareText(std::string_view before_json, std::string_view now_json);

}  // namespace sarai::loadgen
