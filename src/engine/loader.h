// From a model's folder to loaded versions: find the files, read the configuration, let the
// framework load, complete and check the configuration against it, warm up. On the caller's thread;
// holds no lock. Knows nothing of requests and lanes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "engine/model_directory.h"
#include "engine/served_version.h"

namespace inference {
class ModelConfig;  // generated
}

namespace sarai::engine {

// What can be known before a framework has seen the model.
struct LoadPlan {
  LoadPlan();
  LoadPlan(LoadPlan&&) noexcept;
  ~LoadPlan();

  std::string name;
  std::string backend;  // empty: an ensemble
  ModelDirectory directory;
  std::unique_ptr<inference::ModelConfig> config;  // parsed and filled, not yet completed
  std::vector<int64_t> versions;                   // to serve, ascending, at least one
  bool auto_complete = true;
  int default_max_batch_size = 4;
};

// Errors name the model or its folder: kNotFound, kInvalidArgument, kUnimplemented.
Result<LoadPlan> PlanLoad(const LoadOptions& options);

struct LoadedModel {
  ModelInfo info;
  std::vector<ServedVersion::Parts> versions;  // ascending
};

// All versions load, or none does. Errors name the model.
Result<LoadedModel> CarryOut(const LoadPlan& plan, backends::Backend& backend);

// Of a plan without a backend. Looks at what the steps' models say of themselves; loads none.
Result<LoadedModel> CarryOutEnsemble(const LoadPlan& plan, const FindModel& find_model);

}  // namespace sarai::engine
