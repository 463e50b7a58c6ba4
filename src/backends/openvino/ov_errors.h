// The framework's exceptions as Status.
#pragma once

#include "base/status.h"

namespace sarai::backends::openvino {

// For use in a catch (...) block: what the exception in flight says, as `code`; lack of memory is
// kResourceExhausted instead.
Status CurrentException(Code code);

}  // namespace sarai::backends::openvino
