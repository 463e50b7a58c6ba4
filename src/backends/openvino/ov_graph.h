// A model file as OpenVINO's graph, changed to what the config asks of it. Includes the framework:
// only for this folder.
#pragma once

#include <memory>
#include <openvino/core/model.hpp>
#include <string>

#include "backends/backend.h"
#include "backends/openvino/ov_options.h"

namespace sarai::backends::openvino {

// Gives every output without a name one, the inputs and outputs of the spec the types of the spec,
// and the inputs its shapes (RESHAPE_IO_LAYERS) and its batch dimension: open, or max_batch_size
// (SKIP_OV_DYNAMIC_BATCHSIZE). Throws what OpenVINO throws. Errors: kInvalidArgument.
Result<std::shared_ptr<ov::Model>> Adapt(std::shared_ptr<ov::Model> model, const ModelSpec& spec,
                                         const ModelOptions& options);

// Of several names of a tensor it takes the one in the spec. A fixed batch dimension is shown as
// -1. Errors: kUnimplemented names a tensor whose type cannot be served.
Result<Signature> SignatureOf(const ov::Model& model, const ModelSpec& spec,
                              const ModelOptions& options);

}  // namespace sarai::backends::openvino
