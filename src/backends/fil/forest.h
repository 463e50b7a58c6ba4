// A loaded model of any of the libraries, as the rest of this folder sees it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/status.h"

namespace sarai::backends::fil {

// Rows of features, one after the other; NaN means missing.
struct Rows {
  const float* values = nullptr;
  int64_t count = 0;    // > 0
  int64_t columns = 0;  // the model's features
};

// What a model predicts, as its own library would say it. Thread-safe.
class Forest {
 public:
  virtual ~Forest() = default;

  virtual int64_t features() const = 0;
  // Values by row: one of a regression or a binary classifier, else one a class or target.
  virtual int64_t values() const = 0;
  virtual Status Predict(const Rows& rows, std::span<float> values) const = 0;

  // SHAP values: values() times (features + 1) by row, the last of each the bias.
  virtual Status Contributions(const Rows& rows, std::span<float> values) const {
    (void)rows, (void)values;
    return MakeStatus(Code::kUnimplemented,
                      "treeshap_output is there for XGBoost and LightGBM models, by their own "
                      "libraries");
  }
};

enum class Format { kXgboostJson, kXgboostUbj, kXgboostLegacy, kLightgbm, kTreelite };

struct ForestOptions {
  Format format = Format::kXgboostJson;
  std::string path;
  int threads = 1;              // of one run; 0 = one per core
  bool class_scores = false;    // scores of the classes, though the model may name only the best
  bool unknown_fields = false;  // in XGBoost's JSON, where treelite reads it
};

using ForestPtr = std::unique_ptr<Forest>;

}  // namespace sarai::backends::fil
