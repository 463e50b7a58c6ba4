// Which models an instance keeps on disk and in memory. Pure: it is told what happened and when, and
// says what to do; it has no clock, no lock, no thread and logs nothing.
//
// Its place: `instance/` owns one Residency on one strand, feeds it every event below, carries out
// the actions (fetch, load, unload, delete) on loader threads, and reports their ends as events.
// A model here is one *version* of one artifact, named by an opaque id.
//
//   Absent -> Fetching -> OnDisk -> Loading -> Ready -> Draining -> OnDisk -> Absent
//
// Invariants:
//  - reserved memory (ready + loading + draining models, each by its measured or estimated bytes,
//    plus overhead) never exceeds the budget by a decision of this class; a load starts only into
//    memory that is free: what still drains counts as used;
//  - one fetch and one load at a time per model (single flight); whoever stops waiting does not
//    cancel them;
//  - victims are the smallest sufficient set of least worth, chosen before anything is unloaded;
//    pinned, in-use, loading and just-loaded models are no victims (just-loaded ones are, when
//    nothing else can make room and nobody waits on them);
//  - every request given to OnRequest is answered exactly once: kAdmit or kFail names its model,
//    and all waiting requests of that model are meant.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "types/decision.h"
#include "types/residency.h"

namespace sarai::policy {

struct ResidencyOptions {
  uint64_t memory_budget_bytes = 0;  // 0 = unbounded
  uint64_t disk_budget_bytes = 0;    // 0 = unbounded
  int max_concurrent_fetches = 4;
  int max_concurrent_loads = 2;
  uint32_t max_waiting_per_model = 1024;
  uint32_t max_waiting_total = 16384;
  Duration wait_budget = std::chrono::seconds(55);       // a request's longest wait for its model
  Duration churn_guard = std::chrono::seconds(2);        // a model this young is a victim last
  Duration failure_memo = std::chrono::seconds(5);       // a failed fetch or load is remembered:
                                                         // requests meanwhile get its error
  double size_factor = 1.2;  // files -> memory, before the first measured load
  double load_peak_factor = 1.0;  // × file bytes, reserved on top while a load runs: read buffers
};

// What the owner knows of a model beyond the policy's own books; asked for all resident models
// when victims are chosen.
struct ModelUsage {
  TimePoint last_used{};
  uint64_t requests = 0;   // since the last time it was told
  int64_t in_flight = 0;   // running or queued in the engine
};

struct ResidencyAction {
  enum class Kind {
    kFetch,   // bring the artifact to disk; then OnFetched
    kLoad,    // load it into memory; then OnLoaded
    kUnload,  // drain and free it; then OnUnloaded, when its memory is really free
    kDelete,  // remove it from disk; then OnDeleted
    kAdmit,   // all waiting requests of the model go to the engine
    kFail,    // all waiting requests of the model get `status`
  };
  Kind kind;
  std::string id;
  Status status;      // kFail
  Decision decision;  // kind, reason and numbers filled in; sequence, model and time by the owner
};

using ResidencyActions = std::vector<ResidencyAction>;

struct ResidencyTotals {
  uint64_t memory_used_bytes = 0;      // ready + draining + loading, without overhead
  uint64_t memory_overhead_bytes = 0;  // as last told by OnOverhead
  uint64_t disk_used_bytes = 0;
  int ready = 0, loading = 0, fetching = 0, draining = 0, on_disk = 0;
  uint32_t waiting = 0;
};

class Residency {
 public:
  explicit Residency(ResidencyOptions options);
  ~Residency();

  // --- what exists -----------------------------------------------------------------------------
  struct Known {
    bool on_disk = false;             // no fetch needed (a repository folder, an earlier start)
    bool deletable = true;            // false: its files are the user's, never deleted
    bool pinned = false;              // never a victim
    uint64_t disk_bytes = 0;          // when on_disk
    uint64_t download_bytes = 0;      // archive size, if known: a bound for "can never fit on disk"
    uint64_t measured_memory = 0;     // from an earlier load of the same content; 0 = unknown
    Duration measured_load{0};
  };
  // Adds a model, or updates an absent one. No actions.
  void Add(const std::string& id, const Known& known);
  // Forgets it once it holds nothing: unloads and deletes it first if need be (when idle). Its
  // waiting requests fail with `why`.
  ResidencyActions Retire(const std::string& id, Status why, TimePoint now);

  // --- events ----------------------------------------------------------------------------------
  // A request for a model that was not ready when the owner looked. Joins the waiting ones of the
  // model, starts what is missing. Unknown ids fail with kNotFound. A full queue fails only this
  // request: returned as a kFail whose status is kResourceExhausted and `only_newest` is implied.
  struct RequestOutcome {
    enum class Kind { kReadyNow, kWaiting, kRefused } kind;
    Status refusal;  // kRefused: this one request gets it
  };
  RequestOutcome OnRequest(const std::string& id, TimePoint now, ResidencyActions& actions);
  // A request with no client behind it: a pre-load, a new version to swap in. Like OnRequest, but
  // nobody waits.
  ResidencyActions OnWanted(const std::string& id, TimePoint now);

  struct Fetched {
    uint64_t disk_bytes = 0;
    uint64_t measured_memory = 0;  // known for this content from before; 0 = unknown
  };
  ResidencyActions OnFetched(const std::string& id, Result<Fetched> result, TimePoint now);

  struct Loaded {
    uint64_t memory_bytes = 0;  // measured
    Duration load_time{0};
  };
  ResidencyActions OnLoaded(const std::string& id, Result<Loaded> result, TimePoint now);
  ResidencyActions OnUnloaded(const std::string& id, TimePoint now);
  ResidencyActions OnDeleted(const std::string& id, TimePoint now);
  // The model's process died: it is on disk again, its memory free.
  ResidencyActions OnLost(const std::string& id, TimePoint now);
  // An explicit unload: as a victim, but by the user's wish. No-op unless ready.
  ResidencyActions OnUnloadWanted(const std::string& id, const std::string& why, TimePoint now);
  // Measured private bytes of the processes beyond the books: allocator slack, activations.
  ResidencyActions OnOverhead(uint64_t bytes, TimePoint now);
  // Usage since the last call; call for ready models before an event that may choose victims.
  void OnUsage(const std::string& id, const ModelUsage& usage, TimePoint now);
  // Ends waits whose budget is spent (429 / kDeadlineExceeded), retries what waits for room.
  ResidencyActions OnTick(TimePoint now);
  // When OnTick wants to be called; nothing = not before the next event.
  std::optional<TimePoint> WakeAt() const;

  // --- reading ---------------------------------------------------------------------------------
  ModelState state(const std::string& id) const;  // kAbsent for unknown ids
  ResidencyTotals totals() const;
  struct Row {
    std::string id;
    ModelState state = ModelState::kAbsent;
    uint64_t memory_bytes = 0, disk_bytes = 0;
    double worth = 0;  // predicted reuse × reload cost / bytes; the least is evicted first
    bool pinned = false;
    uint32_t waiting = 0;
  };
  std::optional<Row> row(const std::string& id, TimePoint now) const;
  std::vector<Row> rows(TimePoint now) const;  // all known

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sarai::policy
