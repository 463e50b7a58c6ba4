#include "backends/fil/fil_parameters.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "backends/common/parameters.h"
#include "base/log.h"
#include "base/strings.h"

namespace sarai::backends::fil {
namespace {

constexpr int kThreadsMax = 1024;

struct FormatName {
  std::string_view model_type, ending;
  Format format;
};
constexpr std::array kFormats = {
    FormatName{"xgboost_json", ".json", Format::kXgboostJson},
    FormatName{"xgboost_ubj", ".ubj", Format::kXgboostUbj},
    FormatName{"xgboost", ".model", Format::kXgboostLegacy},
    FormatName{"lightgbm", ".txt", Format::kLightgbm},
    FormatName{"treelite_checkpoint", ".tl", Format::kTreelite},
};

constexpr std::array<const char*, 8> kWithoutEffect = {
    "algo",         "blocks_per_sm",    "chunk_size",         "layout",
    "storage_type", "threads_per_tree", "transfer_threshold", "use_experimental_optimizations"};

Result<Format> FormatOf(const ModelSpec& spec) {
  const auto asked = spec.parameters.find("model_type");
  for (const FormatName& name : kFormats) {
    if (asked == spec.parameters.end() ? spec.artifact.ends_with(name.ending)
                                       : Trim(asked->second) == name.model_type)
      return name.format;
  }
  std::vector<std::string> known;
  for (const FormatName& name : kFormats) known.emplace_back(name.model_type);
  if (asked != spec.parameters.end())
    return Error(Code::kInvalidArgument, "parameter 'model_type' is '{}': expected one of {}",
                 asked->second, Join(known, ", "));
  return Error(Code::kInvalidArgument,
               "the name of '{}' does not tell its format: set parameter 'model_type' to one of {}",
               spec.artifact, Join(known, ", "));
}

Result<float> Threshold(const ModelSpec& spec) {
  const auto asked = spec.parameters.find("threshold");
  if (asked == spec.parameters.end()) return 0.5F;
  const auto value = ParseDouble(Trim(asked->second));
  if (value && std::isfinite(*value)) return static_cast<float>(*value);
  return Error(Code::kInvalidArgument, "parameter 'threshold' is '{}': expected a number",
               asked->second);
}

Result<bool> Flag(const ModelSpec& spec, const std::string& name) {
  SARAI_TRY(const auto value, FlagParameter(spec.parameters, name));
  return value.value_or(false);
}

// FIL called it output_class once; is_classifier wins.
Result<bool> IsClassifier(const ModelSpec& spec) {
  const bool newer = spec.parameters.contains("is_classifier");
  return Flag(spec, newer ? "is_classifier" : "output_class");
}

void TellOfIgnored(const ModelSpec& spec) {
  for (const char* name : kWithoutEffect)
    if (spec.parameters.contains(name))
      LogInfo("backends", "'{}': parameter '{}' tunes Triton's GPU code and has no effect here",
              spec.name, name);
}

}  // namespace

Result<std::optional<int>> ThreadsParameter(const std::map<std::string, std::string>& parameters) {
  SARAI_TRY(auto threads, IntParameter(parameters, "cpu_nthread", -1, kThreadsMax));
  if (threads) threads = std::max(*threads, 0);
  return threads;
}

Result<FilParameters> ParseFilParameters(const ModelSpec& spec) {
  FilParameters parsed;
  SARAI_TRY(parsed.format, FormatOf(spec));
  SARAI_TRY(parsed.is_classifier, IsClassifier(spec));
  SARAI_TRY(parsed.predict_proba, Flag(spec, "predict_proba"));
  SARAI_TRY(parsed.threshold, Threshold(spec));
  SARAI_TRY(parsed.threads, ThreadsParameter(spec.parameters));
  SARAI_TRY(parsed.unknown_fields, Flag(spec, "xgboost_allow_unknown_field"));
  TellOfIgnored(spec);
  return parsed;
}

}  // namespace sarai::backends::fil
