// Triton's model control modes, and on demand: which models of the repositories are meant to be
// loaded, and what a request hears whose model is not.
// Source: Triton docs/user_guide/model_management.md; its messages, by meaning.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace sarai::policy {

enum class ControlMode {
  kOnDemand,  // a request loads its model; an explicit unload holds until an explicit load
  kNone,      // all at start, and those only
  kExplicit,  // by name at start, and by the repository API
  kPoll,      // all, as the repositories change
};

// "on-demand", "none", "explicit", "poll".
Result<ControlMode> ParseControlMode(std::string_view name);

// What is known of one model when somebody asks for it.
struct ControlState {
  bool wanted = false;  // by the start, a poll or an explicit load, and not unloaded since
  bool held = false;    // the last explicit call was an unload
  bool tried = false;   // a load was begun before
};

// OK: a request may use the model, and so load it. Otherwise what it hears.
Status MayServe(ControlMode mode, const std::string& name, const ControlState& state);

// Whether the repository API's loads and unloads are taken.
Status MayControl(ControlMode mode);

// How far a load came before it failed.
enum class LoadStage {
  kLook,  // finding the model and reading its configuration
  kLoad,
};
// What whoever asked for the load hears: in Triton's words, then the cause.
Status ExplainLoadFailure(const std::string& name, LoadStage stage, const Status& why);

// Whether models that were meant to be loaded stay: none goes to make room for another.
inline bool KeepsLoaded(ControlMode mode) { return mode != ControlMode::kOnDemand; }

// What to load before the server is ready. `asked`: --load-model; `listed`: what the repositories
// hold. Error: "*" beside other names.
Result<std::vector<std::string>> ModelsAtStart(ControlMode mode,
                                               const std::vector<std::string>& asked,
                                               const std::vector<std::string>& listed);
// Whether ModelsAtStart needs the list.
bool NeedsListAtStart(ControlMode mode, const std::vector<std::string>& asked);

// Models by name, with a tag that differs when their files do.
using RepositoryTags = std::map<std::string, std::string>;

struct PollPlan {
  std::vector<std::string> load, reload, unload;
};
// A model whose load failed is tried again when its files change.
PollPlan PlanPoll(const RepositoryTags& before, const RepositoryTags& now);

}  // namespace sarai::policy
