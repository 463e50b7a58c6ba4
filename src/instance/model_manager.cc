// Requests: the fast path, and the way of those whose model is not loaded.
#include "instance/model_manager.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "instance/request_tracing.h"

namespace sarai::instance {

ModelManager::ModelManager(ManagerOptions options, ManagerParts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      residency_(options_.residency),
      feed_(options_.feed, parts_.strand, parts_.clock, [this] { return CollectResidency(); }) {
  parts_.engine.OnModelLost([this](const engine::ModelHandle& handle, Status why) {
    Post([this, handle, why = std::move(why)] { OnLost(handle, why); });
  });
  parts_.engine.OnUnbegun([this](InferRequest request, InferResponder respond) {
    Post([this, request = std::move(request), respond = std::move(respond)]() mutable {
      AskAgain(std::move(request), std::move(respond));
    });
  });
}

ModelManager::~ModelManager() = default;

void ModelManager::Infer(InferRequest request, InferCallback done) {
  InferCall call{std::move(request), std::move(done), Now()};
  BeginTrace(parts_.tracer, call.request, call.arrived);
  if (ServingModelPtr model = table_.Find(call.request.model); model && model->Enter()) {
    parts_.metrics->CountHit();
    if (model->TakeCheck(call.arrived, options_.revalidate_interval))
      Post([this, name = model->name] { CheckOrigin(name); });
    Submit(model, std::move(call), /*warm=*/true);
    return;
  }
  Post([this, call = std::move(call)]() mutable { AttachInfer(std::move(call)); });
}

// Precondition: `model` was entered. The answer may outlive this manager: it holds what it needs.
void ModelManager::Submit(const ServingModelPtr& model, InferCall call, bool warm) {
  const TimePoint admitted = Now();
  auto respond = [model, warm, arrived = call.arrived, waited = admitted - call.arrived,
                  metrics = parts_.metrics, clock = &parts_.clock, trace = call.request.trace,
                  done = std::move(call.done)](Result<InferResponse> response) mutable {
    const TimePoint now = clock->Now();
    metrics->CountRequest(*model->metrics, response.has_value(), now - arrived);
    if (trace != nullptr) NoteAnswer(trace, response, now);
    done({.response = std::move(response),
          .warm = warm,
          .waited = warm ? Duration::zero() : waited,
          .load = model->handle.info().load_time,
          .model = model});
  };
  parts_.engine.Infer(model->handle, std::move(call.request), std::move(respond));
  model->Leave();
}

// The wait for the model, and what of its fetch and its load fell into it.
void ModelManager::NoteColdStart(const InferCall& call, const ServingModel& model) const {
  const TracePtr& trace = call.request.trace;
  const ModelVersion* const version = VersionOf(model.version_id);
  if (trace == nullptr || version == nullptr) return;
  const auto stamp = [&](TraceActivity start, TraceActivity end, TimePoint ended, Duration took) {
    if (ended <= call.arrived) return;
    trace->Stamp(start, std::max(call.arrived, ended - took));
    trace->Stamp(end, ended);
  };
  using enum TraceActivity;
  trace->Stamp(kResidencyStart, call.arrived);
  stamp(kFetchStart, kFetchEnd, version->fetched_at, version->fetch_time);
  stamp(kLoadStart, kLoadEnd, version->load_ended_at, version->load_time);
  trace->Stamp(kResidencyEnd, Now());
  trace->Note([](TraceRecord& record) { record.cold = true; });
}

void ModelManager::AttachInfer(InferCall call) {
  const std::string name = call.request.model;
  Waiter waiter{.since = call.arrived};
  waiter.done = [this, call = std::move(call)](Result<ServingModelPtr> model, bool waited) mutable {
    if (!model) {
      parts_.metrics->CountRefusal();
      if (call.request.trace != nullptr)
        NoteAnswer(call.request.trace, Error(model.error()), Now());
      call.done({.response = Error(model.error()), .waited = Now() - call.arrived});
      return;
    }
    if (!(*model)->Enter())  // lost between its load and now: its loss is on the way to this strand
      return Post([this, call = std::move(call)]() mutable { AttachInfer(std::move(call)); });
    if (waited) NoteColdStart(call, **model);
    if (waited)
      parts_.metrics->CountMiss(*(*model)->metrics, Now() - call.arrived);
    else
      parts_.metrics->CountHit();
    Submit(*model, std::move(call), !waited);
  };
  Attach(name, std::move(waiter));
}

// Counted, traced and answered as the request that it was: only its way to a model is new.
void ModelManager::AskAgain(InferRequest request, InferResponder respond) {
  const std::string name = request.model;
  Waiter waiter{.since = Now()};
  waiter.done = [this, request = std::move(request), respond = std::move(respond)](
                    Result<ServingModelPtr> model, bool) mutable {
    if (!model) return respond(Error(model.error()));
    if (!(*model)->Enter())
      return Post([this, request = std::move(request), respond = std::move(respond)]() mutable {
        AskAgain(std::move(request), std::move(respond));
      });
    parts_.engine.InferAgain((*model)->handle, std::move(request), std::move(respond));
    (*model)->Leave();
  };
  Attach(name, std::move(waiter));
}

void ModelManager::Attach(const std::string& name, Waiter waiter) {
  if (stopping_)
    return waiter.done(Error(Code::kUnavailable, "the instance is stopping"), waiter.waited);
  const auto entry = FindEntry(name);
  if (!entry) return waiter.done(Error(entry.error()), waiter.waited);
  ModelEntry& found = **entry;
  if (const Status may = MayServe(found); !may.ok()) return waiter.done(Error(may), waiter.waited);
  if (NeedsLookup(found)) return JoinLookup(found, std::move(waiter));
  Join(found, std::move(waiter));
}

Status ModelManager::MayServe(const ModelEntry& entry) const {
  if (entry.origin.kind != OriginKind::kLocal)
    return policy::MayServe(options_.control.mode, entry.name, entry.control);
  if (!entry.unload_wanted) return {};
  return MakeStatus(Code::kNotFound, "model '{}' is being unloaded", entry.name);
}

// Where the name leads now; what was meant to be loaded is no victim, where the mode says so.
Result<ModelOrigin> ModelManager::OriginOf(const std::string& name) const {
  SARAI_TRY(ModelOrigin origin, parts_.catalog.Find(name));
  origin.pinned = origin.pinned || policy::KeepsLoaded(options_.control.mode);
  return origin;
}

Result<ModelEntry*> ModelManager::FindEntry(const std::string& name) {
  if (ModelEntry* entry = EntryOf(name)) return entry;
  SARAI_TRY(ModelOrigin origin, OriginOf(name));
  ModelEntry& entry = entries_[name];
  entry.name = name;
  entry.origin = std::move(origin);
  entry.form_number = ++form_numbers_;
  return &entry;
}

void ModelManager::JoinLookup(ModelEntry& entry, Waiter waiter) {
  if (unresolved_ >= options_.max_unresolved)
    return waiter.done(
        Error(Code::kUnavailable, "{} requests wait for a look at their model's origin already",
              unresolved_),
        waiter.waited);
  waiter.waited = true;
  entry.unresolved.push_back(std::move(waiter));
  ++unresolved_;
  parts_.strand.PostAt(Now() + options_.residency.wait_budget,
                       [this, name = entry.name] { ExpireUnresolved(name); });
  StartLookup(entry);
}

// May erase `entry`: what fails is forgotten.
void ModelManager::Join(ModelEntry& entry, Waiter waiter) {
  ModelVersion* version = Choose(entry, waiter.newest);
  if (version->serving && !version->serving->handle.ready())
    LoseVersion(*version, Status(Code::kUnavailable, "its process died"));
  if (entry.check_at <= Now() && entry.origin.kind != OriginKind::kLocal) CheckOrigin(entry.name);
  TellUsage();
  if (waiter.newest) return Wish(*version, std::move(waiter));
  Actions actions;
  const auto outcome = residency_.OnRequest(version->id, Now(), actions);
  using Kind = policy::Residency::RequestOutcome::Kind;
  if (outcome.kind == Kind::kWaiting) {
    waiter.waited = true;
    version->waiting.push_back(std::move(waiter));
    return Settle(std::move(actions));
  }
  const ServingModelPtr serving = version->serving;
  Settle(std::move(actions));
  if (outcome.kind == Kind::kReadyNow && serving) return waiter.done(serving, waiter.waited);
  waiter.done(Error(outcome.refusal), waiter.waited);
}

// Whoever loads explicitly waits as long as it takes, not as long as a request would.
void ModelManager::Wish(ModelVersion& version, Waiter waiter) {
  if (version.serving != nullptr) return waiter.done(version.serving, waiter.waited);
  waiter.waited = true;
  version.wishers.push_back(std::move(waiter));
  version.wish_renewals = 0;
  Settle(residency_.OnWanted(version.id, Now()));
}

void ModelManager::LoadLocal(std::string name, std::string path, std::string target,
                             StatusCallback done) {
  Post([this, name = std::move(name), path = std::move(path), target = std::move(target),
        done = std::move(done)]() mutable { StartLocal(name, path, target, std::move(done)); });
}

void ModelManager::StartLocal(const std::string& name, const std::string& path,
                              const std::string& target, StatusCallback done) {
  if (stopping_) return done(Status(Code::kUnavailable, "the instance is stopping"));
  if (const ModelEntry* entry = EntryOf(name))
    return done(MakeStatus(Code::kAlreadyExists, "model '{}' is loaded already, from '{}'", name,
                           entry->origin.url));
  ModelEntry& entry = entries_[name];
  entry.name = name;
  entry.form_number = ++form_numbers_;
  table_.PutLocal(name, target);
  entry.origin = {.kind = OriginKind::kLocal, .url = path, .pinned = true};
  Waiter waiter{.since = Now(), .newest = true};
  waiter.done = [this, name, done = std::move(done)](Result<ServingModelPtr> model, bool) mutable {
    if (model) return done({});
    // Nothing is left behind of a local model that did not load: the caller may try again.
    Forget(name, model.error());
    done(model.error());
  };
  JoinLookup(entry, std::move(waiter));
}

// The name is known no more: what it had is retired, whoever waits for it hears why.
void ModelManager::Forget(const std::string& name, const Status& why) {
  const auto node = entries_.extract(name);
  if (node.empty()) return;
  ModelEntry& entry = node.mapped();
  swapping_.erase(name);
  table_.RemoveLocal(name);
  for (const std::string& id : {entry.current, entry.next})
    if (!id.empty()) Retire(id, why);
  unresolved_ -= static_cast<uint32_t>(entry.unresolved.size());
  FailAll(std::move(entry.unresolved), why);
  for (StatusCallback& done : entry.unload_callbacks) done({});
}

void ModelManager::FailAll(std::deque<Waiter> waiters, const Status& why) {
  for (Waiter& waiter : waiters) waiter.done(Error(why), waiter.waited);
}

void ModelManager::Describe(std::string name, ResultCallback<engine::ModelInfo> done) {
  if (const ServingModelPtr model = table_.Find(name)) return done(model->handle.info());
  Post([this, name = std::move(name), done = std::move(done)]() mutable {
    const auto entry = FindEntry(name);
    if (!entry) return done(Error(entry.error()));
    if (const Status may = MayServe(**entry);
        policy::KeepsLoaded(options_.control.mode) && !may.ok())
      return done(Error(may));
    auto load = [this, name, done = std::move(done)](Result<engine::ModelInfo> inspected) mutable {
      const bool whole =
          inspected && !inspected->spec.inputs.empty() && !inspected->spec.outputs.empty();
      if (whole) return done(std::move(inspected));
      Waiter waiter{.since = Now()};
      waiter.done = [done = std::move(done)](Result<ServingModelPtr> model, bool) mutable {
        if (!model) return done(Error(model.error()));
        done((*model)->handle.info());
      };
      Attach(name, std::move(waiter));
    };
    if ((*entry)->origin.kind == OriginKind::kSource)
      return load(Error(Code::kNotFound, "not on disk"));
    parts_.worker.Inspect(name, (*entry)->origin.url, (*entry)->config_json, std::move(load));
  });
}

void ModelManager::IsReady(std::string name, std::string version,
                           std::move_only_function<void(bool)> done) {
  const auto has_version = [version = std::move(version)](const engine::ModelInfo& info) {
    return version.empty() || std::ranges::find(info.versions, version) != info.versions.end();
  };
  if (const ServingModelPtr model = table_.Find(name); model && model->handle.ready())
    return done(has_version(model->handle.info()));
  Post([this, name = std::move(name), has_version, done = std::move(done)]() mutable {
    const ModelEntry* const entry = EntryOf(name);
    const auto origin = entry != nullptr ? Result<ModelOrigin>(entry->origin) : OriginOf(name);
    if (stopping_ || !origin || policy::KeepsLoaded(options_.control.mode)) return done(false);
    const ModelVersion* const current = entry != nullptr ? VersionOf(entry->current) : nullptr;
    if (entry != nullptr && (!MayServe(*entry).ok() || entry->gone)) return done(false);
    if (current != nullptr && current->failed) return done(false);
    if (origin->kind == OriginKind::kSource && !origin->repository) return done(current != nullptr);
    if (origin->kind == OriginKind::kSource)
      return parts_.worker.Lookup(
          *origin, [done = std::move(done)](auto found) mutable { done(found.has_value()); });
    parts_.worker.Inspect(name, origin->url, entry != nullptr ? entry->config_json : "",
                          [has_version, done = std::move(done)](auto inspected) mutable {
                            done(inspected && has_version(*inspected));
                          });
  });
}

void ModelManager::Stop(Task done) {
  Post([this, done = std::move(done)]() mutable {
    stopping_ = true;
    on_stopped_ = std::move(done);
    const Status why(Code::kUnavailable, "the instance is stopping");
    if (StatusCallback started = std::exchange(start_, {}).done) started(why);
    for (auto& [name, queue] : std::exchange(asks_, {}))
      for (LoadAsk& ask : queue) ask.done(why, policy::LoadStage::kLoad);
    for (auto& [name, entry] : entries_) {
      FailAll(std::exchange(entry.unresolved, {}), why);
      for (StatusCallback& unloaded : std::exchange(entry.unload_callbacks, {})) unloaded(why);
    }
    for (auto& [id, version] : versions_) {
      FailAll(std::exchange(version.waiting, {}), why);
      FailAll(std::exchange(version.wishers, {}), why);
    }
    for (const auto& [id, serving] : std::map(loaded_))
      StartUnloading(*VersionOf(id), Decision{.kind = DecisionKind::kStop, .reason = "stopping"});
    if (unloading_ == 0) std::exchange(on_stopped_, {})();
  });
}

ModelEntry* ModelManager::EntryOf(const std::string& name) {
  const auto it = entries_.find(name);
  return it == entries_.end() ? nullptr : &it->second;
}

ModelVersion* ModelManager::VersionOf(const std::string& id) {
  const auto it = versions_.find(id);
  return it == versions_.end() ? nullptr : &it->second;
}

const ModelVersion* ModelManager::VersionOf(const std::string& id) const {
  const auto it = versions_.find(id);
  return it == versions_.end() ? nullptr : &it->second;
}

}  // namespace sarai::instance
