// Whether bytes are one whole UBJSON value. XGBoost's reader does not look where a file that was
// cut off ends, and takes what lies behind it for sizes.
#pragma once

#include <string_view>

#include "base/status.h"

namespace sarai::backends::fil {

inline constexpr int kUbjsonDepthMax = 64;

// Errors: kDataLoss, with the byte at which it stops making sense.
Status CheckUbjson(std::string_view bytes);

}  // namespace sarai::backends::fil
