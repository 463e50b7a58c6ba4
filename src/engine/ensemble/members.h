// What an ensemble's steps' models say of themselves, looked up at its load.
#pragma once

#include <vector>

#include "engine/engine.h"
#include "policy/ensemble.h"

namespace sarai::engine {

struct EnsembleMembers {
  std::vector<policy::EnsembleMember> steps;  // by step
  bool decoupled = false;                     // some model below gives any number of answers
};

// Errors name step and model: kInvalidArgument for a model or version that is not there, tensors
// that do not fit, and ensembles that call each other in a circle.
Result<EnsembleMembers> FindMembers(const ModelSpec& ensemble, const FindModel& find_model);

}  // namespace sarai::engine
