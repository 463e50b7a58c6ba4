// Models of every kind by libtreelite: scikit-learn's as checkpoints, XGBoost's and LightGBM's
// where their own libraries are missing.
#pragma once

#include <memory>

#include "backends/fil/forest.h"

namespace sarai::backends::fil {

struct TreeliteApi;

// Errors: kFailedPrecondition where the library is missing.
Result<std::shared_ptr<const TreeliteApi>> OpenTreelite();

// Errors: kDataLoss for a file that the library does not take.
Result<ForestPtr> LoadTreelite(std::shared_ptr<const TreeliteApi> api,
                               const ForestOptions& options);

}  // namespace sarai::backends::fil
