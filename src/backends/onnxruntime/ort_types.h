// ONNX's element types and ours.
#pragma once

#include "backends/onnxruntime/ort_api.h"
#include "types/data_type.h"

namespace sarai::backends::ort {

// ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED where there is none.
ONNXTensorElementDataType ToOnnxType(DataType type);

// kInvalid for element types that no tensor of ours has (complex, float8, int4).
DataType FromOnnxType(ONNXTensorElementDataType type);

}  // namespace sarai::backends::ort
