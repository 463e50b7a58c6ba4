// The names by which configurations ask for a framework, and the files by which one is recognised.
#pragma once

#include <span>
#include <string_view>

namespace sarai::modelconfig {

struct BackendRule {
  std::string_view backend;
  std::string_view platform;  // the older spelling; empty = it never had one
  std::string_view file;      // in the version folder, unless default_model_filename says otherwise
};

// In the order in which a version folder is searched.
std::span<const BackendRule> BackendRules();

const BackendRule* FindByPlatform(std::string_view platform);
// By the whole name, else by its ending: "resnet.onnx" is ONNX.
const BackendRule* FindByFile(std::string_view file);
// The backend's rule for that file, else its first one; null for backends that have no rule.
const BackendRule* FindByBackend(std::string_view backend, std::string_view file);

inline constexpr std::string_view kEnsemblePlatform = "ensemble";

}  // namespace sarai::modelconfig
