// The elements of a tensor as JSON numbers, bools and strings; and the values of parameters.
#pragma once

#include <string>

#include "base/status.h"
#include "types/inference.h"

namespace sarai::kserve {

// What becomes of text that is not valid UTF-8, which JSON cannot carry.
enum class OddText { kRefuse, kReplace };

// Appends "1,2,3"; nothing for a tensor without elements. Precondition: `out` does not end with a
// comma. Errors: kInvalidArgument for FP16, BF16 and refused text; `out` is then of no use.
Status AppendJsonElements(std::string& out, const Tensor& tensor, OddText odd_text);

void AppendJsonParameter(std::string& out, const Parameter& parameter);

}  // namespace sarai::kserve
