// Element types of ours and the framework's. Includes the framework: only for this folder.
#pragma once

#include <openvino/core/type/element_type.hpp>

#include "types/data_type.h"

namespace sarai::backends::openvino {

// element::dynamic for what has no counterpart.
ov::element::Type ToOvType(DataType type);
DataType FromOvType(const ov::element::Type& type);  // kInvalid where there is none

}  // namespace sarai::backends::openvino
