#include "wire/modelconfig/ensemble.h"

#include "wire/modelconfig/backends.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelConfig;
using inference::ModelEnsembling;

Status Refuse(std::string_view why) {
  return MakeStatus(Code::kInvalidArgument, "it is an ensemble, {}", why);
}

// What belongs to models that run themselves.
Status CheckNothingElse(const ModelConfig& config) {
  if (!config.backend().empty()) return Refuse("and must not name a backend");
  if (config.instance_group_size() > 0)
    return Refuse("and must not have an instance_group: its steps have their own");
  if (config.has_optimization())
    return Refuse("and must not have optimization: its steps have their own");
  if (config.model_warmup_size() > 0)
    return Refuse("and must not have model_warmup: its steps have their own");
  return {};
}

Status CheckStep(const ModelEnsembling::Step& step) {
  if (step.model_name().empty()) return MakeStatus(Code::kInvalidArgument, "it has no model_name");
  if (step.input_map().empty()) return MakeStatus(Code::kInvalidArgument, "it has no input_map");
  if (step.output_map().empty()) return MakeStatus(Code::kInvalidArgument, "it has no output_map");
  if (!step.model_namespace().empty())
    return MakeStatus(Code::kUnimplemented, "it sets model_namespace, which is not served");
  return {};
}

}  // namespace

bool IsEnsemble(const ModelConfig& config) {
  return config.platform() == kEnsemblePlatform || config.has_ensemble_scheduling();
}

Status CheckEnsemble(const ModelConfig& config) {
  if (config.platform() != kEnsemblePlatform)
    return MakeStatus(Code::kInvalidArgument,
                      "ensemble_scheduling needs platform: \"ensemble\", not '{}'",
                      config.platform());
  if (!config.has_ensemble_scheduling())
    return Refuse("and must have ensemble_scheduling to name its steps");
  SARAI_CHECK_OK(CheckNothingElse(config));
  const auto& steps = config.ensemble_scheduling().step();
  if (steps.empty()) return Refuse("and needs one step at least");
  for (int i = 0; i < steps.size(); ++i)
    if (const Status status = CheckStep(steps[i]); !status.ok())
      return status.WithContext(
          fmt::format("ensemble_scheduling step {} (model '{}')", i, steps[i].model_name()));
  return {};
}

EnsembleSpec ToEnsembleSpec(const ModelEnsembling& ensemble) {
  EnsembleSpec spec{.max_inflight_requests = ensemble.max_inflight_requests()};
  for (const auto& step : ensemble.step())
    spec.steps.push_back(
        {.model = step.model_name(),
         // -1 is the latest one; what is left out reads as 0.
         .version = step.model_version() > 0 ? std::to_string(step.model_version()) : std::string(),
         .input_map = {step.input_map().begin(), step.input_map().end()},
         .output_map = {step.output_map().begin(), step.output_map().end()}});
  return spec;
}

}  // namespace sarai::modelconfig
