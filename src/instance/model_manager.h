// The models of one instance: where each name comes from, which of its versions serves, who waits
// for it. One strand owns policy::Residency and all records; blocking work is done by ModelWorker.
//
// A request's way: a loaded model is found in the serving table and entered on the caller's thread;
// everything else goes over the strand: look the name up at its origin, join the waiting requests
// of its version, be answered by the policy's kAdmit or kFail.
//
// A new version at the origin (another ETag, edited files) is loaded beside the old one, takes over
// the name when it is ready, and the old one is retired. If there is no room for both, the old one
// is unloaded first and requests wait. One that does not load changes nothing.
//
// Threads: public methods from any thread; callbacks come from the strand, a lane, or the caller's
// thread, and must not block. Invariant: every callback is called exactly once, at the latest by
// Stop.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "engine/engine.h"
#include "instance/catalog.h"
#include "instance/event_log.h"
#include "instance/instance_metrics.h"
#include "instance/model_records.h"
#include "instance/model_worker.h"
#include "instance/residency_feed.h"
#include "instance/serving_table.h"
#include "policy/residency.h"
#include "telemetry/decision_log.h"
#include "telemetry/tracer.h"

namespace sarai::instance {

struct ControlOptions {
  policy::ControlMode mode = policy::ControlMode::kOnDemand;
  std::vector<std::string> load_at_start;  // names, or "*"
  Duration poll_interval = std::chrono::seconds(15);
  size_t starts_at_once = 8;  // loads under way or waiting for one that is
};

struct ManagerOptions {
  policy::ResidencyOptions residency;
  ControlOptions control;
  ResidencyFeed::Options feed;
  Duration revalidate_interval = std::chrono::seconds(30);
  uint32_t max_unresolved = 16384;  // requests that wait for a look-up, all names together
};

// What the manager works with; all of it outlives the manager.
struct ManagerParts {
  const Catalog& catalog;
  ModelWorker& worker;
  engine::Engine& engine;
  Executor& strand;
  const Clock& clock;
  std::shared_ptr<InstanceMetrics> metrics;
  EventLog& events;
  telemetry::DecisionLog& decisions;
  telemetry::Tracer& tracer;
};

struct InferOutcome {
  Result<InferResponse> response;
  bool warm = false;      // loaded when the request came
  Duration waited{0};     // for the model
  Duration load{0};       // the model's last load
  ServingModelPtr model;  // that answered; null when none did
};
using InferCallback = std::move_only_function<void(InferOutcome)>;

// What a load request may bring along.
struct LoadOverride {
  std::string config_json;            // instead of the model's configuration; empty = none
  std::map<std::string, Blob> files;  // instead of the model's folder, by path; need a config_json
};

struct IndexRow {
  std::string name;
  std::vector<std::string> versions;  // of the loaded one
  std::string state, reason;          // empty: never loaded
};

struct Totals {
  policy::ResidencyTotals residency;
  uint64_t memory_budget_bytes = 0, disk_budget_bytes = 0;
  int64_t in_flight = 0;
};

// Everything about one name, for `explain`.
struct Explanation {
  struct Version {
    std::string id, tag, digest, directory;
    bool current = false;
    policy::Residency::Row row;
    Duration fetch_time{0}, load_time{0};
    WallTime loaded_at{};
    engine::ModelCounters counters;  // while loaded
  };
  std::string name;
  ModelOrigin origin;
  bool held = false, gone = false;
  uint64_t loads = 0, evictions = 0;
  std::string last_unload_reason;
  WallTime last_unload_at{};
  Status last_error;
  WallTime last_error_at{};
  std::vector<Version> versions;
};

class ModelManager {
 public:
  ModelManager(ManagerOptions options, ManagerParts parts);
  ~ModelManager();

  // An artifact left in the disk tier by an earlier run; before the first request.
  void AddFromDisk(const std::string& name, const ModelOrigin& origin,
                   const store::Artifact& artifact, const store::Measured& measured);

  // Loads what the control mode says is loaded from the start; OK when all of it is. Error: which
  // models did not load; the others are.
  void Start(StatusCallback done);
  // Whether Start has ended.
  bool started() const { return started_; }
  // Models that are meant to be loaded and are not, because their last load failed.
  size_t failing() const { return failing_count_; }

  // request.model names the model.
  void Infer(InferRequest request, InferCallback done);

  // Explicit load: looks at the origin first; what `brought` holds stands for the model's own until
  // the next explicit load. A version that serves goes on when the load fails. Errors are worded as
  // policy::ExplainLoadFailure says.
  void Load(std::string name, LoadOverride brought, StatusCallback done);
  Status MayControl() const { return policy::MayControl(options_.control.mode); }
  // The same in any mode; the error is the cause alone.
  void Keep(std::string name, StatusCallback done);
  // POST /models: loads a local folder under that name, pinned. kAlreadyExists, kResourceExhausted.
  void LoadLocal(std::string name, std::string path, std::string target, StatusCallback done);
  // Answers when its memory is free. A repository model stays unloaded until an explicit load, and
  // may be unloaded already; a local one is forgotten, and kNotFound when it is not loaded. So is a
  // model that nobody knows.
  // `with_steps`: an ensemble goes with the models that were loaded for its steps alone.
  void Unload(std::string name, bool with_steps, StatusCallback done);

  // Configuration and tensors; loads the model when its folder does not tell.
  void Describe(std::string name, ResultCallback<engine::ModelInfo> done);

  // The version that serves now; null when none is loaded.
  ServingModelPtr Serving(std::string_view name) const { return table_.Find(name); }
  std::vector<ServingModelPtr> AllServing() const { return table_.All(); }
  // For names that LoadLocal gave out: the TargetModel it was loaded for.
  std::optional<std::string> LocalTarget(std::string_view name) const {
    return table_.LocalTarget(name);
  }

  // Whether a request for that version (empty = any) would be answered: it is loaded, or nothing
  // speaks against loading it.
  void IsReady(std::string name, std::string version, std::move_only_function<void(bool)> done);

  // What the repositories hold now, and what is known beside. Errors: those of their stores.
  void Index(ResultCallback<std::vector<IndexRow>> done);
  void Watch(uint64_t since, Duration wait, ResidencyCallback done);
  // Watches are answered at once from now on, so that no connection waits for one.
  void EndWatches();
  void GetTotals(std::move_only_function<void(Totals)> done);
  void Explain(std::string name, ResultCallback<Explanation> done);

  // As measured: what all processes hold beyond the books. Asked for by the instance's sampler.
  void ReportOverhead(uint64_t bytes);
  uint64_t book_bytes() const { return book_bytes_; }

  // Refuses new requests, fails the waiting ones, unloads everything; `done` when memory is free.
  void Stop(Task done);

 private:
  using Actions = policy::ResidencyActions;
  struct InferCall {
    InferRequest request;
    InferCallback done;
    TimePoint arrived;
  };

  // --- requests (model_manager.cc) ---
  void Submit(const ServingModelPtr& model, InferCall call, bool warm);
  void AttachInfer(InferCall call);
  void AskAgain(InferRequest request, InferResponder respond);
  void NoteColdStart(const InferCall& call, const ServingModel& model) const;
  void Attach(const std::string& name, Waiter waiter);
  void JoinLookup(ModelEntry& entry, Waiter waiter);
  void Join(ModelEntry& entry, Waiter waiter);
  void Wish(ModelVersion& version, Waiter waiter);
  Status MayServe(const ModelEntry& entry) const;
  Result<ModelOrigin> OriginOf(const std::string& name) const;
  Result<ModelEntry*> FindEntry(const std::string& name);
  void StartLocal(const std::string& name, const std::string& path, const std::string& target,
                  StatusCallback done);
  void Forget(const std::string& name, const Status& why);
  void FailAll(std::deque<Waiter> waiters, const Status& why);

  // --- what is meant to be loaded (model_control.cc) ---
  struct LoadAsk {
    LoadOverride brought;
    bool as_step = false;  // for an ensemble
    std::move_only_function<void(Status, policy::LoadStage)> done;
  };
  struct StartState {
    std::vector<std::string> names;
    size_t begun = 0, ended = 0, failures = 0;
    std::string why;
    StatusCallback done;
  };
  void Ask(const std::string& name, LoadAsk ask);
  void BeginAsk(const std::string& name);
  void CarryOutAsk(const std::string& name, std::shared_ptr<const std::string> files);
  Result<ModelForm> FormOf(const std::string& name, const std::string& config_json,
                           std::shared_ptr<const std::string> files);
  void OnAskLoaded(const std::string& name, const Result<ServingModelPtr>& model);
  void GiveUpForm(ModelEntry& entry, const Status& why);
  void LoadSteps(const std::string& name, const std::set<std::string>& steps);
  void EndAsk(const std::string& name, Status why,
              policy::LoadStage stage = policy::LoadStage::kLook);
  std::vector<std::string> WithIdleSteps(const std::string& name) const;
  void StartUnload(const std::string& name, StatusCallback done);
  void StartThese(const std::vector<std::string>& listed, StatusCallback done);
  void BeginNextStart();
  void EndStart();
  void ArmPoll();
  void Follow(policy::RepositoryTags now);

  // --- versions of a name (model_versions.cc) ---
  bool NeedsLookup(const ModelEntry& entry) const;
  void StartLookup(ModelEntry& entry);
  void OnLookedUp(const std::string& name, uint64_t form_number, Result<FoundVersion> found);
  void OnMissing(ModelEntry& entry, const Status& why, std::deque<Waiter> waiters);
  void OnLookupFailed(ModelEntry& entry, const Status& why, std::deque<Waiter> waiters);
  void ExpireUnresolved(const std::string& name);
  void Adopt(ModelEntry& entry, FoundVersion found);
  ModelVersion& AddVersion(const ModelEntry& entry, const std::string& id, FoundVersion found);
  void BeginSwap(ModelEntry& entry, const std::string& id);
  void CompleteSwap(ModelEntry& entry);
  void EndSwapBadly(ModelEntry& entry, const Status& why);
  void MakeRoomForSwaps();
  void Retire(const std::string& id, Status why);
  void CheckOrigin(const std::string& name);
  bool InUse(const std::string& id) const;
  ModelVersion* Choose(const ModelEntry& entry, bool newest);

  // --- actions and events (model_actions.cc) ---
  void Settle(Actions actions);
  void CarryOut(policy::ResidencyAction& action);
  void Admit(ModelVersion& version, uint32_t count);
  void Fail(ModelVersion& version, uint32_t count, const Status& why);
  bool RenewWish(ModelVersion& version, uint32_t count, const Status& why);
  void StartFetch(ModelVersion& version);
  void OnFetched(const std::string& id, Result<FetchedArtifact> fetched, Duration took);
  void StartLoad(ModelVersion& version);
  void OnLoaded(const std::string& id, LoadOutcome outcome);
  void StartServing(ModelVersion& version, const engine::ModelHandle& handle, Duration took);
  void StartUnloading(ModelVersion& version, const Decision& decision);
  void OnUnloaded(const std::string& id, Duration took);
  void StartDelete(ModelVersion& version);
  void OnLost(const engine::ModelHandle& handle, const Status& why);
  void LoseVersion(ModelVersion& version, const Status& why);
  void TellUsage();
  void Tick();
  void ArmTick();
  void ForgetRetired();
  void AnswerUnloads(const std::string& name);
  void NoteFailure(ModelVersion& version, const Status& why);

  // --- reading (model_reports.cc) ---
  void Record(Decision decision, const std::string& name);
  void Record(DecisionKind kind, const std::string& name, std::string reason);
  std::vector<ModelResidency> CollectResidency() const;
  bool IsKnownBeside(const ModelEntry& entry) const;
  IndexRow MakeIndexRow(const std::string& name) const;
  Explanation::Version ExplainVersion(const ModelVersion& version, bool current) const;

  ModelEntry* EntryOf(const std::string& name);
  ModelVersion* VersionOf(const std::string& id);
  const ModelVersion* VersionOf(const std::string& id) const;
  TimePoint Now() const { return parts_.clock.Now(); }
  void Post(Task task) { parts_.strand.Post(std::move(task)); }

  const ManagerOptions options_;
  ManagerParts parts_;
  ServingTable table_;                    // its own synchronisation
  std::atomic<uint64_t> book_bytes_ = 0;  // memory_used by the policy, for the overhead meter
  std::atomic<bool> started_ = false;
  std::atomic<size_t> failing_count_ = 0;  // as many as failing_ holds

  // Strand only.
  policy::Residency residency_;
  ResidencyFeed feed_;
  std::map<std::string, ModelEntry, std::less<>> entries_;     // by name
  std::map<std::string, ModelVersion, std::less<>> versions_;  // by id
  std::map<std::string, ServingModelPtr> loaded_;              // by id: those with usage to tell
  std::map<std::string, uint64_t> told_requests_;              // by id, since its load
  std::deque<policy::ResidencyAction> pending_;                // not carried out yet
  bool settling_ = false;
  std::set<std::string> swapping_;  // names with a `next`
  std::set<std::string> retiring_;  // ids
  uint32_t unresolved_ = 0;
  uint64_t config_numbers_ = 0, form_numbers_ = 0;
  std::map<std::string, std::deque<LoadAsk>> asks_;  // by name; the first one is under way
  std::set<std::string> failing_;                    // names
  StartState start_;
  policy::RepositoryTags tags_;  // as of the last poll
  std::optional<TimePoint> tick_at_;
  TimePoint usage_told_at_{};
  bool stopping_ = false;
  int unloading_ = 0;  // engine unloads under way
  Task on_stopped_;
};

}  // namespace sarai::instance
