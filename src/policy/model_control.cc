#include "policy/model_control.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sarai::policy {
namespace {

constexpr std::array<std::pair<std::string_view, ControlMode>, 4> kModes = {
    {{"on-demand", ControlMode::kOnDemand},
     {"none", ControlMode::kNone},
     {"explicit", ControlMode::kExplicit},
     {"poll", ControlMode::kPoll}}};

constexpr char kAll[] = "*";

bool Holds(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

Result<ControlMode> ParseControlMode(std::string_view name) {
  for (const auto& [known, mode] : kModes)
    if (known == name) return mode;
  return Error(Code::kInvalidArgument,
               "'{}' is no model control mode: use on-demand, none, explicit or poll", name);
}

Status MayServe(ControlMode mode, const std::string& name, const ControlState& state) {
  if (mode == ControlMode::kOnDemand) {
    if (!state.held) return {};
    return MakeStatus(Code::kNotFound,
                      "Request for unknown model: '{}' has no available versions: it was unloaded "
                      "by request, load it before it is used",
                      name);
  }
  if (state.wanted) return {};
  if (state.tried)
    return MakeStatus(Code::kNotFound, "Request for unknown model: '{}' has no available versions",
                      name);
  return MakeStatus(Code::kNotFound, "Request for unknown model: '{}' is not found", name);
}

Status MayControl(ControlMode mode) {
  if (mode == ControlMode::kOnDemand || mode == ControlMode::kExplicit) return {};
  return Status(Code::kUnavailable,
                mode == ControlMode::kPoll
                    ? "explicit model load / unload is not allowed if polling is enabled"
                    : "explicit model load / unload is not allowed with model control mode "
                      "'none': start with --model-control-mode=explicit");
}

Status ExplainLoadFailure(const std::string& name, LoadStage stage, const Status& why) {
  const bool passes = why.code() == Code::kUnavailable || why.code() == Code::kDeadlineExceeded ||
                      why.code() == Code::kCancelled || why.code() == Code::kResourceExhausted;
  if (stage == LoadStage::kLoad)
    return MakeStatus(passes ? why.code() : Code::kInvalidArgument,
                      "load failed for model '{}': {}", name, why.message());
  return MakeStatus(passes ? why.code() : Code::kInternal,
                    "failed to load '{}', failed to poll from model repository: {}", name,
                    why.message());
}

bool NeedsListAtStart(ControlMode mode, const std::vector<std::string>& asked) {
  return mode == ControlMode::kNone || mode == ControlMode::kPoll || Holds(asked, kAll);
}

Result<std::vector<std::string>> ModelsAtStart(ControlMode mode,
                                               const std::vector<std::string>& asked,
                                               const std::vector<std::string>& listed) {
  if (mode == ControlMode::kNone || mode == ControlMode::kPoll) return listed;
  if (!Holds(asked, kAll)) return asked;
  if (asked.size() == 1) return listed;
  return Error(Code::kInvalidArgument,
               "Wildcard model name '*' must be the ONLY startup model if specified at all");
}

PollPlan PlanPoll(const RepositoryTags& before, const RepositoryTags& now) {
  PollPlan plan;
  for (const auto& [name, tag] : now) {
    const auto known = before.find(name);
    if (known == before.end())
      plan.load.push_back(name);
    else if (known->second != tag)
      plan.reload.push_back(name);
  }
  for (const auto& [name, tag] : before)
    if (!now.contains(name)) plan.unload.push_back(name);
  return plan;
}

}  // namespace sarai::policy
