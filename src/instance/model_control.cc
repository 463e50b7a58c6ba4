// What is meant to be loaded: at start, by explicit loads and unloads, and as repositories change.
#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "instance/model_manager.h"

namespace sarai::instance {
namespace {

constexpr size_t kMaxAsksPerName = 1024;
constexpr size_t kMaxNamedFailures = 8;  // in the message of a start that failed

using policy::LoadStage;

std::set<std::string> StepsOf(const engine::ModelInfo& info) {
  std::set<std::string> models;
  if (info.spec.ensemble)
    for (const EnsembleStep& step : info.spec.ensemble->steps) models.insert(step.model);
  return models;
}

// Calls back once when `count` calls have ended, with the first error among them.
class Gathering {
 public:
  Gathering(size_t count, StatusCallback done) : left_(count), done_(std::move(done)) {}
  void End(Status status) {
    if (first_.ok()) first_ = std::move(status);
    if (--left_ == 0) done_(std::move(first_));
  }

 private:
  size_t left_;
  Status first_;
  StatusCallback done_;
};

}  // namespace

// ---- explicit loads: those of one name follow each other

void ModelManager::Load(std::string name, LoadOverride brought, StatusCallback done) {
  if (Status allowed = MayControl(); !allowed.ok()) return done(std::move(allowed));
  Post([this, name = std::move(name), brought = std::move(brought),
        done = std::move(done)]() mutable {
    Ask(name, {.brought = std::move(brought),
               .done = [name, done = std::move(done)](Status why, LoadStage stage) mutable {
                 done(why.ok() ? Status() : policy::ExplainLoadFailure(name, stage, why));
               }});
  });
}

void ModelManager::Keep(std::string name, StatusCallback done) {
  Post([this, name = std::move(name), done = std::move(done)]() mutable {
    Ask(name, {.done = [done = std::move(done)](Status why, LoadStage) mutable {
          done(std::move(why));
        }});
  });
}

void ModelManager::Ask(const std::string& name, LoadAsk ask) {
  std::deque<LoadAsk>& queue = asks_[name];
  if (queue.size() >= kMaxAsksPerName)
    return ask.done(
        MakeStatus(Code::kUnavailable, "{} loads of model '{}' wait already", queue.size(), name),
        LoadStage::kLook);
  queue.push_back(std::move(ask));
  if (queue.size() == 1) BeginAsk(name);
}

void ModelManager::BeginAsk(const std::string& name) {
  const auto it = asks_.find(name);
  if (it == asks_.end()) return;
  if (stopping_) return EndAsk(name, Status(Code::kUnavailable, "the instance is stopping"));
  LoadOverride& brought = it->second.front().brought;
  if (brought.files.empty()) return CarryOutAsk(name, nullptr);
  if (brought.config_json.empty())
    return EndAsk(name,
                  Status(Code::kInvalidArgument,
                         "Load parameter 'config' must be specified for model file override"));
  parts_.worker.WriteFiles(std::exchange(brought.files, {}), [this, name](auto folder) {
    if (!folder) return EndAsk(name, folder.error());
    CarryOutAsk(name, std::move(*folder));
  });
}

void ModelManager::CarryOutAsk(const std::string& name, std::shared_ptr<const std::string> files) {
  const auto it = asks_.find(name);
  if (it == asks_.end()) return;
  const LoadAsk& ask = it->second.front();
  auto form = FormOf(name, ask.brought.config_json, std::move(files));
  if (!form) return EndAsk(name, form.error());
  ModelEntry& entry = entries_[name];
  entry.name = name;
  static_cast<ModelForm&>(entry) = std::move(*form);
  entry.form_number = ++form_numbers_;
  entry.control = {.wanted = true, .tried = true};
  entry.by_itself = entry.by_itself || !ask.as_step;
  entry.unload_wanted = false;
  entry.rejected.clear();
  for (StatusCallback& done : std::exchange(entry.unload_callbacks, {})) done({});
  Waiter waiter{.since = Now(), .newest = true};
  waiter.done = [this, name](Result<ServingModelPtr> model, bool) { OnAskLoaded(name, model); };
  if (entry.origin.kind == OriginKind::kLocal && !entry.current.empty())
    return Join(entry, std::move(waiter));
  JoinLookup(entry, std::move(waiter));
}

// The same form again is the same version, unless that one failed: then it is tried anew.
Result<ModelForm> ModelManager::FormOf(const std::string& name, const std::string& config_json,
                                       std::shared_ptr<const std::string> files) {
  const ModelEntry* const known = EntryOf(name);
  ModelForm form{.config_json = config_json, .files = std::move(files)};
  if (form.files != nullptr) {
    form.origin = {.kind = OriginKind::kRepository,
                   .url = *form.files,
                   .pinned = policy::KeepsLoaded(options_.control.mode),
                   .repository = true};
  } else if (known != nullptr && known->origin.kind == OriginKind::kLocal) {
    form.origin = known->origin;
  } else {
    SARAI_TRY(form.origin, OriginOf(name));
  }
  const bool same = known != nullptr && known->config_json == config_json &&
                    known->files == nullptr && form.files == nullptr;
  const ModelVersion* const current = same ? VersionOf(known->current) : nullptr;
  const bool again = current != nullptr && current->failed;
  if (same && !again)
    form.config_number = known->config_number;
  else if (form.brought() || again)
    form.config_number = ++config_numbers_;
  return form;
}

void ModelManager::OnAskLoaded(const std::string& name, const Result<ServingModelPtr>& model) {
  if (model) {
    failing_.erase(name);
    failing_count_ = failing_.size();
    return LoadSteps(name, StepsOf((*model)->handle.info()));
  }
  const Status why = model.error();
  ModelEntry* const entry = EntryOf(name);
  const bool looked = entry == nullptr || entry->current.empty() || why.code() == Code::kNotFound ||
                      entry->config_error == why.message();
  if (entry != nullptr) GiveUpForm(*entry, why);
  EndAsk(name, why, looked ? LoadStage::kLook : LoadStage::kLoad);
}

// A load did not succeed: the version before it serves on as it was, or nothing of it remains.
// May erase `entry`.
void ModelManager::GiveUpForm(ModelEntry& entry, const Status& why) {
  const std::string name = entry.name;
  const ModelVersion* const current = VersionOf(entry.current);
  if (current != nullptr && current->serving != nullptr) {
    static_cast<ModelForm&>(entry) = *current;
    return;
  }
  if (policy::KeepsLoaded(options_.control.mode) && !stopping_) {
    entry.control.wanted = false;
    failing_.insert(name);
    failing_count_ = failing_.size();
  }
  if (!entry.brought()) return;
  auto home = OriginOf(name);
  if (!home) return Forget(name, why);
  static_cast<ModelForm&>(entry) = {.origin = std::move(*home)};
  entry.form_number = ++form_numbers_;
}

// An ensemble is loaded with the models of its steps; on demand, requests load them.
void ModelManager::LoadSteps(const std::string& name, const std::set<std::string>& steps) {
  if (!policy::KeepsLoaded(options_.control.mode))
    for (const std::string& step : steps)
      if (ModelEntry* const entry = EntryOf(step)) entry->control.held = false;
  if (steps.empty() || !policy::KeepsLoaded(options_.control.mode)) return EndAsk(name, {});
  const auto loads = std::make_shared<Gathering>(steps.size(), [this, name](Status why) {
    if (!why.ok()) {
      StartUnload(name, [](const Status&) {});
      failing_.insert(name);
      failing_count_ = failing_.size();
    }
    EndAsk(name, std::move(why), LoadStage::kLoad);
  });
  for (const std::string& step : steps) {
    if (table_.Find(step) != nullptr) {
      loads->End({});
      continue;
    }
    Ask(step, {.as_step = true, .done = [name, step, loads](const Status& why, LoadStage) {
                 loads->End(why.ok() ? Status()
                                     : MakeStatus(Code::kInvalidArgument,
                                                  "ensemble '{}' depends on '{}', which has no "
                                                  "loaded version: {}",
                                                  name, step, why.message()));
               }});
  }
}

void ModelManager::EndAsk(const std::string& name, Status why, LoadStage stage) {
  const auto it = asks_.find(name);
  if (it == asks_.end()) return;
  LoadAsk ask = std::move(it->second.front());
  it->second.pop_front();
  if (it->second.empty())
    asks_.erase(it);
  else
    Post([this, name] { BeginAsk(name); });
  ask.done(std::move(why), stage);
}

// ---- explicit unloads

void ModelManager::Unload(std::string name, bool with_steps, StatusCallback done) {
  Post([this, name = std::move(name), with_steps, done = std::move(done)]() mutable {
    const ModelEntry* const entry = EntryOf(name);
    const bool local = entry != nullptr && entry->origin.kind == OriginKind::kLocal;
    if (Status allowed = MayControl(); !allowed.ok() && !local) return done(std::move(allowed));
    if (!with_steps) return StartUnload(name, std::move(done));
    const std::vector<std::string> names = WithIdleSteps(name);
    const auto unloads = std::make_shared<Gathering>(names.size(), std::move(done));
    for (const std::string& each : names)
      StartUnload(each, [unloads](Status why) { unloads->End(std::move(why)); });
  });
}

// `name` and the models of its steps that were loaded for it alone.
std::vector<std::string> ModelManager::WithIdleSteps(const std::string& name) const {
  std::vector<std::string> names = {name};
  for (size_t at = 0; at < names.size(); ++at) {
    const ServingModelPtr ensemble = table_.Find(names[at]);
    if (ensemble == nullptr) continue;
    for (const std::string& step : StepsOf(ensemble->handle.info())) {
      const auto entry = entries_.find(step);
      const bool by_itself = entry != entries_.end() && entry->second.by_itself;
      if (by_itself || std::ranges::find(names, step) != names.end()) continue;
      const bool shared = std::ranges::any_of(loaded_, [&](const auto& loaded) {
        const ServingModel& other = *loaded.second;
        return std::ranges::find(names, other.name) == names.end() &&
               StepsOf(other.handle.info()).contains(step);
      });
      if (!shared) names.push_back(step);
    }
  }
  return names;
}

void ModelManager::StartUnload(const std::string& name, StatusCallback done) {
  const bool anew = EntryOf(name) == nullptr;
  const auto known = FindEntry(name);
  if (!known) return done(known.error());
  // Only a look at its store could tell whether there is such a model.
  if (anew && (*known)->origin.repository && (*known)->origin.kind == OriginKind::kSource) {
    Forget(name, {});
    return done({});
  }
  ModelEntry& entry = **known;
  const bool repository = entry.origin.repository;
  entry.control.held = repository;
  entry.control.wanted = false;
  entry.by_itself = false;
  failing_.erase(name);
  failing_count_ = failing_.size();
  if (!entry.next.empty())
    EndSwapBadly(entry, MakeStatus(Code::kUnavailable, "model '{}' is being unloaded", name));
  const ModelState state = residency_.state(entry.current);
  const bool coming = state == ModelState::kLoading || state == ModelState::kFetching;
  if (state != ModelState::kReady && state != ModelState::kDraining && !coming) {
    if (repository) return done({});
    if (entry.current.empty() && entry.unresolved.empty()) Forget(name, {});
    return done(MakeStatus(Code::kNotFound, "model '{}' is not loaded", name));
  }
  entry.unload_callbacks.push_back(std::move(done));
  entry.unload_wanted = true;
  if (state == ModelState::kReady)
    Settle(residency_.OnUnloadWanted(entry.current, "unloaded by an explicit call", Now()));
}

// ---- at start

void ModelManager::Start(StatusCallback done) {
  Post([this, done = std::move(done)]() mutable {
    if (options_.control.mode == policy::ControlMode::kPoll)
      return parts_.worker.ListTags(
          [this, done = std::move(done)](Result<policy::RepositoryTags> tags) mutable {
            if (!tags) return done(tags.error());
            tags_ = std::move(*tags);
            std::vector<std::string> names;
            for (const auto& [name, tag] : tags_) names.push_back(name);
            StartThese(names, std::move(done));
            ArmPoll();
          });
    if (!policy::NeedsListAtStart(options_.control.mode, options_.control.load_at_start))
      return StartThese({}, std::move(done));
    parts_.worker.ListNames(
        [this, done = std::move(done)](Result<std::vector<ListedModel>> listed) mutable {
          if (!listed) return done(listed.error());
          std::vector<std::string> names;
          for (const ListedModel& model : *listed) {
            if (model.places.size() == 1)
              names.push_back(model.name);
            else
              LogWarning("instance", "{}", Catalog::Ambiguous(model.name, model.places).message());
          }
          StartThese(names, std::move(done));
        });
  });
}

void ModelManager::StartThese(const std::vector<std::string>& listed, StatusCallback done) {
  auto names = policy::ModelsAtStart(options_.control.mode, options_.control.load_at_start, listed);
  if (!names) return done(names.error());
  start_ = {.names = std::move(*names), .done = std::move(done)};
  if (start_.names.empty()) return EndStart();
  while (start_.begun < std::min(start_.names.size(), options_.control.starts_at_once))
    BeginNextStart();
}

void ModelManager::BeginNextStart() {
  const std::string name = start_.names[start_.begun++];
  Ask(name, {.done = [this, name](const Status& why, LoadStage) {
        if (!why.ok() && ++start_.failures <= kMaxNamedFailures)
          start_.why +=
              fmt::format("{}'{}': {}", start_.why.empty() ? "" : "; ", name, why.message());
        if (++start_.ended == start_.names.size()) return EndStart();
        Post([this] {
          if (start_.begun < start_.names.size()) BeginNextStart();
        });
      }});
}

void ModelManager::EndStart() {
  started_ = true;
  StartState ended = std::exchange(start_, {});
  if (ended.failures == 0) return ended.done({});
  if (ended.failures > kMaxNamedFailures)
    ended.why += fmt::format("; and {} more", ended.failures - kMaxNamedFailures);
  ended.done(MakeStatus(Code::kInternal, "failed to load all models: {}", ended.why));
}

// ---- as the repositories change

void ModelManager::ArmPoll() {
  parts_.strand.PostAt(Now() + options_.control.poll_interval, [this] {
    if (stopping_) return;
    parts_.worker.ListTags([this](Result<policy::RepositoryTags> tags) {
      if (stopping_) return;
      if (tags)
        Follow(std::move(*tags));
      else
        LogWarning("instance", "looking for changes: {}", tags.error().message());
      ArmPoll();
    });
  });
}

void ModelManager::Follow(policy::RepositoryTags now) {
  const policy::PollPlan plan = policy::PlanPoll(tags_, now);
  tags_ = std::move(now);
  for (const std::vector<std::string>* names : {&plan.load, &plan.reload})
    for (const std::string& name : *names)
      Ask(name, {.done = [name](const Status& why, LoadStage) {
            if (!why.ok()) LogWarning("instance", "following '{}': {}", name, why.message());
          }});
  for (const std::string& name : plan.unload) {
    LogInfo("instance", "model '{}' is in no repository any more", name);
    StartUnload(name, [this, name](const Status&) {
      Forget(name,
             MakeStatus(Code::kNotFound, "Request for unknown model: '{}' is not found", name));
    });
  }
}

}  // namespace sarai::instance
