// What a model's parameters ask for: Triton FIL's names (fil_backend, docs/model_config.md).
#pragma once

#include <optional>

#include "backends/fil/forest.h"
#include "base/status.h"
#include "types/model_spec.h"

namespace sarai::backends::fil {

// | parameter | effect |
// |---|---|
// | model_type | xgboost_json, xgboost_ubj, xgboost, lightgbm, treelite_checkpoint; by default what
//   the file's ending says |
// | is_classifier (older: output_class) | answers with the class instead of what the model
//   predicts |
// | predict_proba | answers with the scores of all classes |
// | threshold | from which score on, exclusive, a binary classifier says 1; 0.5 |
// | cpu_nthread | threads of one run; 0 or less = one per core; 1 (LightGBM: the backend's) |
// | xgboost_allow_unknown_field | as its name says |
//
// Those that tune a GPU or a layout in memory are accepted and have no effect.
struct FilParameters {
  Format format = Format::kXgboostJson;
  bool is_classifier = false;
  bool predict_proba = false;
  float threshold = 0.5F;
  std::optional<int> threads;  // 0 = one per core
  bool unknown_fields = false;
};

// Errors: kInvalidArgument, with the parameter's name.
Result<FilParameters> ParseFilParameters(const ModelSpec& spec);

// The threads of one run that `parameters` or settings name; nothing when absent.
Result<std::optional<int>> ThreadsParameter(const std::map<std::string, std::string>& parameters);

}  // namespace sarai::backends::fil
