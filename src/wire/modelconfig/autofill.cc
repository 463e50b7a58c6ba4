// What a configuration leaves out and its folder tells.
#include <algorithm>

#include "base/strings.h"
#include "model_config.pb.h"
#include "wire/modelconfig/backends.h"
#include "wire/modelconfig/model_config.h"

namespace sarai::modelconfig {
namespace {

bool Contains(const std::vector<std::string>& files, std::string_view name) {
  return std::ranges::find(files, name) != files.end();
}

// The first rule whose file lies in the version folder; of one backend where it is named.
const BackendRule* FindInFolder(std::string_view backend, const std::vector<std::string>& files) {
  for (const BackendRule& rule : BackendRules())
    if ((backend.empty() || rule.backend == backend) && Contains(files, rule.file)) return &rule;
  return nullptr;
}

// "mnist.onnxruntime" -> onnxruntime. Only backends that have a rule: most dots mean nothing.
const BackendRule* FindBySuffix(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == std::string_view::npos ? nullptr : FindByBackend(name.substr(dot + 1), "");
}

const BackendRule* FindForBackend(const inference::ModelConfig& config,
                                  const std::vector<std::string>& files) {
  if (!config.default_model_filename().empty())
    return FindByBackend(config.backend(), config.default_model_filename());
  const BackendRule* const rule = FindInFolder(config.backend(), files);
  return rule != nullptr ? rule : FindByBackend(config.backend(), "");
}

const BackendRule* FindWithoutHint(const inference::ModelConfig& config,
                                   const std::vector<std::string>& files) {
  const BackendRule* rule = FindByFile(config.default_model_filename());
  if (rule == nullptr) rule = FindInFolder("", files);
  if (rule == nullptr) rule = FindBySuffix(config.name());
  return rule;
}

Status UnknownPlatform(const inference::ModelConfig& config) {
  std::vector<std::string> known;
  for (const BackendRule& rule : BackendRules())
    if (!rule.platform.empty()) known.emplace_back(rule.platform);
  return MakeStatus(Code::kInvalidArgument,
                    "model '{}': platform '{}' is unknown; known are {}; or name a backend",
                    config.name(), config.platform(), Join(known, ", "));
}

Status NoBackend(const inference::ModelConfig& config, const std::vector<std::string>& files) {
  std::vector<std::string> wanted;
  for (const BackendRule& rule : BackendRules()) wanted.emplace_back(rule.file);
  return MakeStatus(Code::kInvalidArgument,
                    "model '{}': its configuration names no backend, and its version folder holds "
                    "none of {} (it holds: {})",
                    config.name(), Join(wanted, ", "),
                    files.empty() ? "nothing" : Join(files, ", "));
}

void Fill(inference::ModelConfig& config, const BackendRule& rule) {
  if (config.backend().empty()) config.set_backend(std::string(rule.backend));
  // A pair that does not fit is left for Validate to name.
  if (config.backend() != rule.backend) return;
  if (config.platform().empty()) config.set_platform(std::string(rule.platform));
  if (config.default_model_filename().empty())
    config.set_default_model_filename(std::string(rule.file));
}

}  // namespace

Status Autofill(inference::ModelConfig& config, std::string_view folder_name,
                const std::vector<std::string>& files) {
  if (config.name().empty()) config.set_name(std::string(folder_name));
  if (config.platform() == kEnsemblePlatform) return {};
  if (!config.platform().empty()) {
    const BackendRule* const rule = FindByPlatform(config.platform());
    if (rule == nullptr && config.backend().empty()) return UnknownPlatform(config);
    if (rule != nullptr) Fill(config, *rule);
    return {};
  }
  const bool named = !config.backend().empty();
  const BackendRule* const rule =
      named ? FindForBackend(config, files) : FindWithoutHint(config, files);
  if (rule == nullptr && !named) return NoBackend(config, files);
  if (rule != nullptr) Fill(config, *rule);
  return {};
}

}  // namespace sarai::modelconfig
