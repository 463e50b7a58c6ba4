// ensemble_scheduling: a model whose answer is the work of others.
#pragma once

#include "base/status.h"
#include "model_config.pb.h"
#include "types/model_spec.h"

namespace sarai::modelconfig {

// By its platform or by its scheduling; Validate says when only one of the two is there.
bool IsEnsemble(const inference::ModelConfig& config);

// What Validate asks of an ensemble on its own; whether its steps fit together is
// policy::CheckEnsemble's.
Status CheckEnsemble(const inference::ModelConfig& config);

// Of a checked configuration.
EnsembleSpec ToEnsembleSpec(const inference::ModelEnsembling& ensemble);

}  // namespace sarai::modelconfig
