#include "wire/modelconfig/backends.h"

#include <algorithm>
#include <array>

namespace sarai::modelconfig {
namespace {

constexpr std::array kRules = {
    BackendRule{"tensorflow", "tensorflow_savedmodel", "model.savedmodel"},
    BackendRule{"tensorflow", "tensorflow_graphdef", "model.graphdef"},
    BackendRule{"tensorrt", "tensorrt_plan", "model.plan"},
    BackendRule{"onnxruntime", "onnxruntime_onnx", "model.onnx"},
    BackendRule{"openvino", "", "model.xml"},
    BackendRule{"pytorch", "pytorch_libtorch", "model.pt"},
    BackendRule{"pytorch", "torch_aoti", "model.pt2"},
    BackendRule{"python", "", "model.py"},
    BackendRule{"fil", "", "xgboost.json"},
    BackendRule{"fil", "", "xgboost.ubj"},
    BackendRule{"fil", "", "xgboost.model"},
    BackendRule{"fil", "", "model.txt"},
    BackendRule{"fil", "", "checkpoint.tl"},
};

const BackendRule* Find(auto predicate) {
  const auto rule = std::ranges::find_if(kRules, predicate);
  return rule == kRules.end() ? nullptr : &*rule;
}

// ".onnx" of "model.onnx"; empty where there is none.
std::string_view Ending(std::string_view file) {
  const size_t dot = file.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : file.substr(dot);
}

bool SameEnding(const BackendRule& rule, std::string_view file) {
  return !Ending(file).empty() && Ending(rule.file) == Ending(file);
}

}  // namespace

std::span<const BackendRule> BackendRules() { return kRules; }

const BackendRule* FindByPlatform(std::string_view platform) {
  if (platform.empty()) return nullptr;
  return Find([&](const BackendRule& rule) { return rule.platform == platform; });
}

const BackendRule* FindByFile(std::string_view file) {
  return Find([&](const BackendRule& rule) { return SameEnding(rule, file); });
}

const BackendRule* FindByBackend(std::string_view backend, std::string_view file) {
  const BackendRule* const exact = Find(
      [&](const BackendRule& rule) { return rule.backend == backend && SameEnding(rule, file); });
  if (exact != nullptr) return exact;
  return Find([&](const BackendRule& rule) { return rule.backend == backend; });
}

}  // namespace sarai::modelconfig
