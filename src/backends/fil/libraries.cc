#include "backends/fil/libraries.h"

#include <utility>

#include "backends/fil/model_file.h"
#include "base/log.h"

namespace sarai::backends::fil {
namespace {

// XGBoost's older binary format, which its library has given up; files of that ending that are JSON
// or UBJSON begin with a brace.
Result<bool> IsLegacy(const ForestOptions& options) {
  if (options.format != Format::kXgboostLegacy) return false;
  SARAI_TRY(const std::string bytes, ReadModelFile(options.path));
  return !bytes.starts_with('{');
}

// The library, opened once; an error is tried again with the next model.
template <typename Api, typename Open>
Result<std::shared_ptr<const Api>> Get(std::mutex& mu, std::shared_ptr<const Api>& kept,
                                       Open open) {
  const std::lock_guard lock(mu);
  if (kept == nullptr) {
    SARAI_TRY(kept, open());
  }
  return kept;
}

bool IsMissing(const Result<ForestPtr>& forest) {
  return !forest && forest.error().code() == Code::kFailedPrecondition;
}

}  // namespace

Result<ForestPtr> Libraries::LoadByXgboost(const ForestOptions& options) {
  SARAI_TRY(auto api, Get(mu_, xgboost_, OpenXgboost));
  return LoadXgboost(std::move(api), options);
}

Result<ForestPtr> Libraries::LoadByLightgbm(const ForestOptions& options) {
  SARAI_TRY(auto api, Get(mu_, lightgbm_, [this] { return OpenLightgbm(lightgbm_threads_); }));
  return LoadLightgbm(std::move(api), options);
}

Result<ForestPtr> Libraries::LoadByTreelite(const ForestOptions& options) {
  SARAI_TRY(auto api, Get(mu_, treelite_, OpenTreelite));
  return LoadTreelite(std::move(api), options);
}

Result<ForestPtr> Libraries::Load(const ForestOptions& options) {
  SARAI_TRY(const bool legacy, IsLegacy(options));
  if (legacy || options.format == Format::kTreelite) return LoadByTreelite(options);
  const bool lightgbm = options.format == Format::kLightgbm;
  auto own = lightgbm ? LoadByLightgbm(options) : LoadByXgboost(options);
  if (!IsMissing(own)) return own;
  auto other = LoadByTreelite(options);
  if (IsMissing(other)) return own;
  LogInfo("backends", "'{}' is run by treelite: {}", options.path, own.error().message());
  return other;
}

}  // namespace sarai::backends::fil
