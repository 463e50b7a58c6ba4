#include "wire/modelconfig/validate.h"

#include "base/strings.h"
#include "wire/modelconfig/backends.h"
#include "wire/modelconfig/ensemble.h"
#include "wire/modelconfig/model_config.h"
#include "wire/modelconfig/ragged.h"

namespace sarai::modelconfig {
namespace {

Status CheckBackend(const inference::ModelConfig& config) {
  if (config.name().empty()) return MakeStatus(Code::kInvalidArgument, "it has no name");
  if (IsEnsemble(config)) return CheckEnsemble(config);
  if (config.backend().empty()) return MakeStatus(Code::kInvalidArgument, "it names no backend");
  const BackendRule* const rule = FindByPlatform(config.platform());
  if (FindByBackend(config.backend(), "") == nullptr) return {};  // another's: free to name its own
  if (rule == nullptr) {
    if (config.platform().empty() || FindByBackend(config.backend(), "")->platform.empty())
      return {};
    return MakeStatus(Code::kInvalidArgument, "platform '{}' is none of backend '{}'",
                      config.platform(), config.backend());
  }
  if (rule->backend == config.backend()) return {};
  return MakeStatus(Code::kInvalidArgument, "platform '{}' belongs to backend '{}', not to '{}'",
                    config.platform(), rule->backend, config.backend());
}

Status CheckVersionPolicy(const inference::ModelVersionPolicy& policy) {
  if (!policy.has_specific()) return {};
  if (policy.specific().versions().empty())
    return MakeStatus(Code::kInvalidArgument, "version_policy.specific lists no version");
  for (const int64_t version : policy.specific().versions())
    if (version < 1)
      return MakeStatus(Code::kInvalidArgument,
                        "version_policy.specific lists {}: versions are "
                        "1 and more",
                        version);
  return {};
}

Status CheckFiles(const inference::ModelConfig& config) {
  if (!config.default_model_filename().empty())
    SARAI_CHECK_OK(CheckFileName("default_model_filename", config.default_model_filename()));
  for (const auto& [capability, file] : config.cc_model_filenames())
    SARAI_CHECK_OK(CheckFileName("cc_model_filenames", file));
  return {};
}

Status CheckCache(const inference::ModelConfig& config) {
  if (!config.response_cache().enable() || !config.model_transaction_policy().decoupled())
    return {};
  return MakeStatus(Code::kInvalidArgument,
                    "response_cache must be off for a decoupled model: it keeps one answer a "
                    "request");
}

Status CheckWithoutModel(const inference::ModelConfig& config) {
  SARAI_CHECK_OK(CheckSupported(config));
  SARAI_CHECK_OK(CheckBackend(config));
  SARAI_CHECK_OK(CheckVersionPolicy(config.version_policy()));
  SARAI_CHECK_OK(CheckFiles(config));
  SARAI_CHECK_OK(CheckCache(config));
  SARAI_CHECK_OK(CheckInstanceGroups(config));
  SARAI_CHECK_OK(CheckOptimization(config));
  return CheckMetrics(config);
}

Status CheckAll(const inference::ModelConfig& config) {
  SARAI_CHECK_OK(CheckWithoutModel(config));
  SARAI_CHECK_OK(CheckScheduling(config));
  SARAI_CHECK_OK(CheckSequence(config));
  SARAI_CHECK_OK(CheckTensors(config));
  SARAI_CHECK_OK(CheckRagged(config));
  return CheckWarmup(config);
}

Status InContext(const inference::ModelConfig& config, const Status& status) {
  return status.ok() ? status : status.WithContext(fmt::format("model '{}'", config.name()));
}

}  // namespace

Status CheckFileName(std::string_view field, std::string_view file) {
  bool inside = !file.empty() && !file.starts_with('/') && !file.contains('\0');
  for (const std::string_view part : Split(file, '/')) inside = inside && part != "..";
  if (inside) return {};
  return MakeStatus(Code::kInvalidArgument, "{} '{}' must name a file inside the model's folder",
                    field, file);
}

Status Validate(const inference::ModelConfig& config) {
  return InContext(config, CheckAll(config));
}

Status ValidateEarly(const inference::ModelConfig& config) {
  return InContext(config, CheckWithoutModel(config));
}

}  // namespace sarai::modelconfig
