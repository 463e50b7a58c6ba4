// The three libraries, each opened when the first model needs it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "backends/fil/forest.h"
#include "backends/fil/lightgbm.h"
#include "backends/fil/treelite.h"
#include "backends/fil/xgboost.h"

namespace sarai::backends::fil {

// Loads a model with the library that fits it best: XGBoost's and LightGBM's own, which are exact
// and quicker with many rows; treelite where that is missing, and for everything else.
// Thread-safe. One a process.
class Libraries {
 public:
  // `lightgbm_threads` of one run, which LightGBM has once for the whole process; 0 = one per core.
  explicit Libraries(int lightgbm_threads) : lightgbm_threads_(lightgbm_threads) {}

  // Errors: kDataLoss for a file that is no such model; kFailedPrecondition where no library is
  // there.
  Result<ForestPtr> Load(const ForestOptions& options);

 private:
  Result<ForestPtr> LoadByXgboost(const ForestOptions& options);
  Result<ForestPtr> LoadByLightgbm(const ForestOptions& options);
  Result<ForestPtr> LoadByTreelite(const ForestOptions& options);

  const int lightgbm_threads_;
  std::mutex mu_;
  std::shared_ptr<const XgboostApi> xgboost_;    // guarded by mu_, as are the others; null until
  std::shared_ptr<const LightgbmApi> lightgbm_;  // opened
  std::shared_ptr<const TreeliteApi> treelite_;
};

}  // namespace sarai::backends::fil
