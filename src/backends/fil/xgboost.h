// XGBoost models by libxgboost: JSON and UBJSON.
#pragma once

#include <memory>

#include "backends/fil/forest.h"

namespace sarai::backends::fil {

struct XgboostApi;

// Errors: kFailedPrecondition where the library is missing.
Result<std::shared_ptr<const XgboostApi>> OpenXgboost();

// Errors: kDataLoss for a file that the library does not take.
Result<ForestPtr> LoadXgboost(std::shared_ptr<const XgboostApi> api, const ForestOptions& options);

}  // namespace sarai::backends::fil
