// What a session says of its inputs and outputs.
#pragma once

#include "backends/backend.h"
#include "backends/onnxruntime/ort_runtime.h"

namespace sarai::backends::ort {

// Inputs with an initialiser of their own are optional. Errors: kUnimplemented names a value that
// is no tensor (sequence, map, optional, sparse) or has an element type we do not have.
Result<Signature> ReadSignature(OrtRuntime& runtime, const OrtSession* session);

}  // namespace sarai::backends::ort
