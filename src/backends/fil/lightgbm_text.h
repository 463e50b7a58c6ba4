// Whether a text is a whole LightGBM model. The library jumps to each tree by sizes that the text
// gives, and ends the process when it lands somewhere else, as in a file that was cut off.
#pragma once

#include <string_view>

#include "base/status.h"

namespace sarai::backends::fil {

// Errors: kDataLoss, with the tree that is not where it should be.
Status CheckLightgbmText(std::string_view text);

}  // namespace sarai::backends::fil
