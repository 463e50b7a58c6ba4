// The policy's actions carried out, and their ends told to it.
#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "instance/model_manager.h"

namespace sarai::instance {

// Actions may cause events that give further actions: these wait their turn, so that no record
// vanishes under whoever works on it.
void ModelManager::Settle(Actions actions) {
  for (policy::ResidencyAction& action : actions) pending_.push_back(std::move(action));
  if (settling_) return;
  settling_ = true;
  do {
    while (!pending_.empty()) {
      policy::ResidencyAction action = std::move(pending_.front());
      pending_.pop_front();
      CarryOut(action);
    }
    MakeRoomForSwaps();
  } while (!pending_.empty());
  settling_ = false;
  ForgetRetired();
  book_bytes_ = residency_.totals().memory_used_bytes;
  feed_.Touch();
  ArmTick();
}

void ModelManager::CarryOut(policy::ResidencyAction& action) {
  using Kind = policy::ResidencyAction::Kind;
  ModelVersion* version = VersionOf(action.id);
  if (version == nullptr) return;
  if (!action.decision.reason.empty()) Record(action.decision, version->name);
  switch (action.kind) {
    case Kind::kFetch: return StartFetch(*version);
    case Kind::kLoad: return StartLoad(*version);
    case Kind::kUnload: return StartUnloading(*version, action.decision);
    case Kind::kDelete: return StartDelete(*version);
    case Kind::kAdmit: return Admit(*version, action.count);
    case Kind::kFail: return Fail(*version, action.count, action.status);
  }
}

void ModelManager::Admit(ModelVersion& version, uint32_t count) {
  for (; count > 0 && !version.waiting.empty(); --count) {
    Waiter waiter = std::move(version.waiting.front());
    version.waiting.pop_front();
    waiter.done(version.serving, true);
  }
  for (Waiter& waiter : std::exchange(version.wishers, {})) waiter.done(version.serving, true);
}

// What an explicit load waits for is not given up because it has not begun in a request's time.
bool ModelManager::RenewWish(ModelVersion& version, uint32_t count, const Status& why) {
  constexpr int kMaxRenewals = 20;
  const bool began_late = count == 0 && why.code() == Code::kDeadlineExceeded;
  if (!began_late || version.wishers.empty() || version.wish_renewals >= kMaxRenewals) return false;
  ++version.wish_renewals;
  Settle(residency_.OnWanted(version.id, Now()));
  return true;
}

void ModelManager::Fail(ModelVersion& version, uint32_t count, const Status& why) {
  if (RenewWish(version, count, why)) return;
  std::deque<Waiter> waiters;
  for (; count > 0 && !version.waiting.empty(); --count) {
    waiters.push_back(std::move(version.waiting.front()));
    version.waiting.pop_front();
  }
  ModelEntry* entry = EntryOf(version.name);
  // A wait that was too long says nothing of the version: its load goes on.
  const bool ended = waiters.empty() || why.code() != Code::kDeadlineExceeded;
  std::deque<Waiter> wishers = ended ? std::exchange(version.wishers, {}) : std::deque<Waiter>();
  if (entry != nullptr && entry->next == version.id && ended) EndSwapBadly(*entry, why);
  // Whoever waited for a version that is no longer meant to come goes on with what the name has.
  const bool dropped = entry != nullptr && entry->current != version.id && version.retiring;
  for (Waiter& waiter : waiters) {
    if (!dropped || (waiter.newest && why.code() != Code::kCancelled)) {
      waiter.done(Error(why), true);
      continue;
    }
    Post([this, name = version.name, waiter = std::move(waiter)]() mutable {
      Attach(name, std::move(waiter));
    });
  }
  FailAll(std::move(wishers), why);
}

void ModelManager::StartFetch(ModelVersion& version) {
  parts_.worker.Fetch(version.origin, version.found,
                      [this, id = version.id](Result<FetchedArtifact> fetched, Duration took) {
                        OnFetched(id, std::move(fetched), took);
                      });
}

void ModelManager::OnFetched(const std::string& id, Result<FetchedArtifact> fetched,
                             Duration took) {
  ModelVersion* version = VersionOf(id);
  if (version == nullptr) return;
  const uint64_t bytes = fetched ? fetched->artifact.bytes : 0;
  parts_.metrics->CountFetch(fetched.has_value(), took, bytes);
  parts_.events.Add({.at = parts_.clock.WallNow(),
                     .kind = ModelEvent::Kind::kFetch,
                     .model = version->name,
                     .took = took,
                     .bytes = bytes,
                     .ok = fetched.has_value()});
  version->fetch_time = took;
  version->fetched_at = Now();
  TellUsage();
  if (!fetched) {
    const Status why = fetched.error();
    NoteFailure(*version, why);
    const std::string name = version->name;
    Settle(residency_.OnFetched(id, Error(why), Now()));
    return AnswerUnloads(name);
  }
  version->failed = false;
  version->directory = fetched->artifact.directory;
  version->digest = fetched->artifact.digest;
  version->found = std::move(fetched->found);
  LogInfo("instance", "fetched '{}' in {:.0f} ms ({})", version->name, Milliseconds(took),
          FormatBytes(bytes));
  Settle(residency_.OnFetched(
      id,
      policy::Residency::Fetched{.disk_bytes = bytes,
                                 .measured_memory = fetched->measured.memory_bytes},
      Now()));
}

void ModelManager::StartLoad(ModelVersion& version) {
  parts_.worker.Load(
      {.name = version.name,
       .directory = version.directory,
       .config_json = version.config_json,
       .digest = version.digest},
      [this, id = version.id](LoadOutcome outcome) { OnLoaded(id, std::move(outcome)); });
}

void ModelManager::OnLoaded(const std::string& id, LoadOutcome outcome) {
  const auto& [handle, took, config_at_fault] = outcome;
  ModelVersion* version = VersionOf(id);
  if (version == nullptr || stopping_) return;
  const uint64_t bytes = handle ? handle->info().memory_bytes : 0;
  const auto metrics = parts_.metrics->OfModel(version->name);
  parts_.metrics->CountLoad(*metrics, handle.has_value(), took);
  parts_.events.Add({.at = parts_.clock.WallNow(),
                     .kind = ModelEvent::Kind::kLoad,
                     .model = version->name,
                     .took = took,
                     .bytes = bytes,
                     .ok = handle.has_value()});
  TellUsage();
  if (!handle) {
    const Status why = handle.error();
    NoteFailure(*version, why);
    const std::string name = version->name;
    if (ModelEntry* entry = EntryOf(name))
      entry->config_error = config_at_fault ? why.message() : "";
    Settle(residency_.OnLoaded(id, Error(why), Now()));
    return AnswerUnloads(name);
  }
  LogInfo("instance", "loaded '{}' in {:.0f} ms ({})", version->name, Milliseconds(took),
          FormatBytes(bytes));
  StartServing(*version, *handle, took);
  const std::string name = version->name;
  ModelEntry* entry = EntryOf(name);
  const bool swap = entry != nullptr && entry->next == id;
  Actions actions = residency_.OnLoaded(
      id, policy::Residency::Loaded{.memory_bytes = bytes, .load_time = took}, Now());
  Settle(std::move(actions));
  entry = EntryOf(name);
  if (swap && entry != nullptr && entry->next == id) CompleteSwap(*entry);
  if (entry != nullptr && entry->current == id && entry->unload_wanted)
    Settle(residency_.OnUnloadWanted(id, "unloaded by an explicit call", Now()));
}

void ModelManager::StartServing(ModelVersion& version, const engine::ModelHandle& handle,
                                Duration took) {
  ModelEntry* entry = EntryOf(version.name);
  version.failed = false;
  version.load_time = took;
  version.load_ended_at = Now();
  version.loaded_at = parts_.clock.WallNow();
  version.serving = std::make_shared<ServingModel>(version.name, version.id, version.origin, handle,
                                                   parts_.metrics->OfModel(version.name));
  loaded_[version.id] = version.serving;
  if (entry == nullptr || (entry->current != version.id && entry->next != version.id)) return;
  ++entry->loads;
  entry->versions = handle.info().versions;
  if (version.origin.kind == OriginKind::kSource) version.serving->SetCheck(entry->check_at);
  table_.Put(version.serving);
}

void ModelManager::StartUnloading(ModelVersion& version, const Decision& decision) {
  const ServingModelPtr serving = std::exchange(version.serving, nullptr);
  if (serving == nullptr) return;
  table_.Remove(*serving);
  serving->Close();
  loaded_.erase(version.id);
  told_requests_.erase(version.id);
  version.draining = serving->handle;
  ++unloading_;
  if (decision.kind == DecisionKind::kEvict) parts_.metrics->CountEviction(*serving->metrics);
  if (ModelEntry* entry = EntryOf(version.name)) {
    entry->last_unload_reason = decision.reason;
    entry->last_unload_at = parts_.clock.WallNow();
    if (decision.kind == DecisionKind::kEvict) ++entry->evictions;
  }
  LogInfo("instance", "unloading '{}': {}", version.name, decision.reason);
  parts_.worker.Unload(serving->handle,
                       [this, id = version.id](Duration took) { OnUnloaded(id, took); });
}

void ModelManager::OnUnloaded(const std::string& id, Duration took) {
  --unloading_;
  if (ModelVersion* version = VersionOf(id)) {
    const std::string name = version->name;
    parts_.metrics->CountUnload(took);
    parts_.events.Add({.at = parts_.clock.WallNow(),
                       .kind = ModelEvent::Kind::kUnload,
                       .model = name,
                       .took = took,
                       .bytes = version->draining.info().memory_bytes});
    version->draining = {};
    if (!stopping_) {
      TellUsage();
      Settle(residency_.OnUnloaded(id, Now()));
      AnswerUnloads(name);
      // A deleted object's model was only kept because it was loaded.
      if (const ModelEntry* entry = EntryOf(name); entry && entry->gone) CheckOrigin(name);
    }
  }
  if (stopping_ && unloading_ == 0 && on_stopped_) std::exchange(on_stopped_, {})();
}

// Explicit unloads are answered when nothing of the model is in memory or on its way there.
void ModelManager::AnswerUnloads(const std::string& name) {
  ModelEntry* entry = EntryOf(name);
  if (entry == nullptr || !entry->unload_wanted) return;
  const ModelState state = residency_.state(entry->current);
  if (state == ModelState::kReady || state == ModelState::kLoading ||
      state == ModelState::kDraining || state == ModelState::kFetching)
    return;
  entry->unload_wanted = false;
  std::vector<StatusCallback> callbacks = std::exchange(entry->unload_callbacks, {});
  if (entry->origin.kind == OriginKind::kLocal)
    Forget(name, MakeStatus(Code::kNotFound, "model '{}' was unloaded", name));
  for (StatusCallback& done : callbacks) done({});
}

// The same bytes may be several versions' (the same archive under two keys): the tree goes with
// the last of them.
void ModelManager::StartDelete(ModelVersion& version) {
  const std::string digest = std::exchange(version.digest, "");
  version.directory.clear();
  version.found.on_disk.reset();
  parts_.metrics->CountDiskDeletion();
  auto done = [this, id = version.id] {
    if (!stopping_) Settle(residency_.OnDeleted(id, Now()));
  };
  for (const auto& [id, other] : versions_)
    if (!digest.empty() && other.digest == digest) return Post(std::move(done));
  parts_.worker.Delete(digest, std::move(done));
}

void ModelManager::OnLost(const engine::ModelHandle& handle, const Status& why) {
  for (auto& [id, serving] : loaded_)
    if (serving->handle.model() == handle.model()) return LoseVersion(*VersionOf(id), why);
}

void ModelManager::LoseVersion(ModelVersion& version, const Status& why) {
  const ServingModelPtr serving = std::exchange(version.serving, nullptr);
  table_.Remove(*serving);
  serving->Close();
  loaded_.erase(version.id);
  told_requests_.erase(version.id);
  LogWarning("instance", "lost '{}': {}", version.name, why.message());
  Record(DecisionKind::kUnload, version.name, "lost: " + why.message());
  if (ModelEntry* entry = EntryOf(version.name)) {
    entry->last_unload_reason = "lost: " + why.message();
    entry->last_unload_at = parts_.clock.WallNow();
  }
  const std::string name = version.name;
  if (stopping_) return;
  Settle(residency_.OnLost(version.id, Now()));
  AnswerUnloads(name);
}

void ModelManager::NoteFailure(ModelVersion& version, const Status& why) {
  version.failed = true;
  LogWarning("instance", "{}", why.ToString());
  ModelEntry* entry = EntryOf(version.name);
  if (entry == nullptr) return;
  entry->last_error = why;
  entry->last_error_at = parts_.clock.WallNow();
}

// Told before every event that may choose victims. With many models loaded, figures some
// milliseconds old are good enough.
void ModelManager::TellUsage() {
  constexpr size_t kFewModels = 256;
  constexpr Duration kFreshEnough = std::chrono::milliseconds(10);
  const TimePoint now = Now();
  if (loaded_.size() > kFewModels && now - usage_told_at_ < kFreshEnough) return;
  usage_told_at_ = now;
  for (const auto& [id, serving] : loaded_) {
    const engine::ModelCounters counters = serving->handle.counters();
    uint64_t& told = told_requests_[id];
    residency_.OnUsage(id,
                       {.last_used = counters.last_used,
                        .requests = counters.requests - told,
                        // A live sequence is lost with its model: it counts as use.
                        .in_flight = counters.in_flight + counters.sequences},
                       now);
    told = counters.requests;
  }
}

void ModelManager::Tick() {
  tick_at_.reset();
  if (stopping_) return;
  TellUsage();
  Settle(residency_.OnTick(Now()));
}

void ModelManager::ArmTick() {
  const auto wake = residency_.WakeAt();
  if (!wake || stopping_ || (tick_at_ && *tick_at_ <= *wake)) return;
  tick_at_ = wake;
  parts_.strand.PostAt(*wake, [this, at = *wake] {
    if (tick_at_ == at) Tick();
  });
}

void ModelManager::ForgetRetired() {
  std::erase_if(retiring_, [this](const std::string& id) {
    if (residency_.row(id, Now())) return false;
    versions_.erase(id);
    return true;
  });
}

void ModelManager::ReportOverhead(uint64_t bytes) {
  Post([this, bytes] {
    if (stopping_) return;
    TellUsage();
    Settle(residency_.OnOverhead(bytes, Now()));
  });
}

}  // namespace sarai::instance
