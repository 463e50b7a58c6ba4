// Statistics of models out of JSON: what EncodeStatistics writes, and Triton.
#pragma once

#include <string_view>
#include <vector>

#include "base/status.h"
#include "wire/kserve/management.h"

namespace sarai::kserve {

// What is missing counts as 0. Errors: kInvalidArgument, which name the member.
Result<std::vector<ModelStatistics>> ParseStatistics(std::string_view body, size_t max_bytes);

}  // namespace sarai::kserve
