// LightGBM's text models by lib_lightgbm.
#pragma once

#include <memory>

#include "backends/fil/forest.h"

namespace sarai::backends::fil {

struct LightgbmApi;

// `threads` of one run, of all models: the library keeps one number for the process. Errors:
// kFailedPrecondition where the library is missing.
Result<std::shared_ptr<const LightgbmApi>> OpenLightgbm(int threads);

// Errors: kDataLoss for a file that the library does not take.
Result<ForestPtr> LoadLightgbm(std::shared_ptr<const LightgbmApi> api,
                               const ForestOptions& options);

}  // namespace sarai::backends::fil
