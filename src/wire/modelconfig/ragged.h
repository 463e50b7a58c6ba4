// allow_ragged_batch, batch_input and batch_output.
#pragma once

#include <string_view>

#include "base/status.h"
#include "model_config.pb.h"
#include "types/model_spec.h"

namespace sarai::modelconfig {

// True of batch_input's targets: the scheduler gives them, no client does.
bool IsBatchInput(const inference::ModelConfig& config, std::string_view name);
// True of inputs and outputs whose batch the framework sees in another shape than [batch, dims…].
bool HasOwnBatchShape(const inference::ModelConfig& config, std::string_view name);

Status CheckRagged(const inference::ModelConfig& config);

// Of a checked configuration whose tensors are in `spec` already.
void AddRagged(const inference::ModelConfig& config, ModelSpec& spec);

}  // namespace sarai::modelconfig
