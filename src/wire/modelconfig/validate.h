// Parts of Validate. Errors come without the model's name, which Validate puts before them.
#pragma once

#include "base/status.h"
#include "model_config.pb.h"

namespace sarai::modelconfig {

// kUnimplemented, naming the field, for what is part of ModelConfig but not served: never ignored.
Status CheckSupported(const inference::ModelConfig& config);
Status CheckTensors(const inference::ModelConfig& config);
Status CheckSequence(const inference::ModelConfig& config);
Status CheckScheduling(const inference::ModelConfig& config);
Status CheckInstanceGroups(const inference::ModelConfig& config);
Status CheckMetrics(const inference::ModelConfig& config);
Status CheckOptimization(const inference::ModelConfig& config);
Status CheckWarmup(const inference::ModelConfig& config);

// A name inside the model's folder: relative, without "..".
Status CheckFileName(std::string_view field, std::string_view file);

}  // namespace sarai::modelconfig
