#include "engine/ensemble/members.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace sarai::engine {
namespace {

class Search {
 public:
  explicit Search(const FindModel& find_model) : find_model_(find_model) {}

  Result<EnsembleMembers> Find(const ModelSpec& ensemble) {
    path_.push_back(ensemble.name);
    EnsembleMembers members;
    const auto& steps = ensemble.ensemble->steps;
    for (size_t i = 0; i < steps.size(); ++i) {
      auto member = FindStep(steps[i]);
      if (!member)
        return Error(Code::kInvalidArgument, "step {} (model '{}'): {}", i, steps[i].model,
                     member.error().message());
      members.decoupled = members.decoupled || member->decoupled;
      members.steps.push_back(std::move(*member));
    }
    path_.pop_back();
    return members;
  }

 private:
  Result<policy::EnsembleMember> FindStep(const EnsembleStep& step) {
    if (std::ranges::find(path_, step.model) != path_.end())
      return Error(Code::kInvalidArgument, "ensembles call each other in a circle: {}, {}",
                   Join(path_, ", "), step.model);
    SARAI_TRY(const ModelInfo info, find_model_(step.model));
    if (!step.version.empty() && !info.versions.empty() &&
        std::ranges::find(info.versions, step.version) == info.versions.end())
      return Error(Code::kInvalidArgument, "it has no version {}; it has {}", step.version,
                   Join(info.versions, ", "));
    policy::EnsembleMember member{.max_batch_size = info.spec.max_batch_size,
                                  .inputs = info.spec.inputs,
                                  .outputs = info.spec.outputs,
                                  .decoupled = info.spec.decoupled};
    member.known = !member.inputs.empty() && !member.outputs.empty();
    if (info.spec.ensemble) {
      SARAI_TRY(const EnsembleMembers below, Find(info.spec));
      member.decoupled = below.decoupled;
    }
    return member;
  }

  const FindModel& find_model_;
  std::vector<std::string> path_;  // ensembles that are being looked into
};

}  // namespace

Result<EnsembleMembers> FindMembers(const ModelSpec& ensemble, const FindModel& find_model) {
  SARAI_TRY(EnsembleMembers members, Search(find_model).Find(ensemble));
  SARAI_CHECK_OK(policy::CheckEnsemble(ensemble, members.steps));
  return members;
}

}  // namespace sarai::engine
