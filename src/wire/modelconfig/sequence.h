// sequence_batching: which tensors the scheduler fills, and the strategy, as plain values.
#pragma once

#include <string_view>

#include "base/status.h"
#include "model_config.pb.h"
#include "types/model_spec.h"

namespace sarai::modelconfig {

// True of sequence controls and states: the scheduler gives them, no client does.
bool IsSequenceInput(const inference::ModelConfig& config, std::string_view name);
bool IsSequenceOutput(const inference::ModelConfig& config, std::string_view name);

// Defaults written out.
void NormalizeSequence(inference::ModelConfig& config);

// Of a checked configuration that has sequence_batching. `directory`: the model's folder.
SequenceSpec ToSequenceSpec(const inference::ModelConfig& config, std::string_view directory);

}  // namespace sarai::modelconfig
