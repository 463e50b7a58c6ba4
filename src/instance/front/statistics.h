// What the engine has counted, as the inference protocol tells it.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "instance/model_manager.h"
#include "wire/kserve/management.h"

namespace sarai::instance {

// `memory_bytes`: what the model holds of this machine's memory; 0 = not known.
kserve::ModelStatistics StatisticsOf(const std::string& name, const std::string& version,
                                     const engine::ModelCounters& counters, uint64_t memory_bytes);

// Of one version (empty = all) of one model (empty = all that are loaded). A model that is not
// loaded has counted nothing. Errors: kInvalidArgument for what does not exist, as in Triton.
void CollectStatistics(ModelManager& manager, const std::string& name, const std::string& version,
                       ResultCallback<std::vector<kserve::ModelStatistics>> done);

}  // namespace sarai::instance
