// Results that a subcommand writes where its user said.
#pragma once

#include <string>

#include "base/status.h"

namespace sarai::cli {

// Instead of what is there. Errors: kUnavailable names the path.
Status WriteWhole(const std::string& path, const std::string& text);

}  // namespace sarai::cli
