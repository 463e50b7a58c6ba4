// Which models an instance keeps on disk and in memory. Pure: it is told what happened and when,
// and says what to do; it has no clock, no lock, no thread and logs nothing.
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
//  - victims are a sufficient set of least worth, none of which could be spared, chosen before
//    anything is unloaded; pinned, in-use, wanted and loading models are never victims, and a
//    just-loaded one only before those that have proven that they are asked for again;
//  - whoever waits for room is served in the order of its first wait; a later one passes only into
//    memory that is free and that nobody ahead has been promised (after room_patience it may evict
//    too: then what it takes is not what the one ahead lacks);
//  - every request for which OnRequest says kWaiting is answered exactly once: by the kAdmit or
//    kFail that names its model and counts it in. The policy only counts waiting requests, oldest
//    first; the owner parks them, in the same order.
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
  Duration wait_budget = std::chrono::seconds(55);    // a request's longest wait for its model
  Duration churn_guard = std::chrono::seconds(2);     // a model this young is a victim last
  Duration failure_memo = std::chrono::seconds(5);    // a failed fetch or load is remembered:
                                                      // requests meanwhile get its error
  Duration transient_memo = std::chrono::seconds(1);  // the longest memo of a failure that may
                                                      // pass: unavailable, deadline, cancelled
  // A model in use whose process dies under it, or that is loading then, is loaded again on demand
  // this often within the window; then its failure is remembered, twice as long each time.
  int losses_tolerated = 2;
  Duration loss_blame = std::chrono::seconds(2);  // those in use so shortly before are blamed
  Duration loss_window = std::chrono::seconds(60);
  Duration loss_memo_max = std::chrono::seconds(60);
  Duration room_retry = std::chrono::milliseconds(50);  // between ticks while one waits for room
  Duration room_patience = std::chrono::seconds(5);     // nobody behind one without room evicts
                                                        // within its first so long
  uint32_t pass_lookahead = 64;  // who may pass: at most so many places behind one without room
  Duration reuse_time_constant = std::chrono::minutes(10);  // how long a request is remembered
  double size_factor = 1.2;       // files -> memory, before the first measured load
  double load_peak_factor = 1.0;  // × file bytes, reserved on top while a load runs: read buffers;
                                  // at most what the budget leaves, so that a big model loads alone
  double unpack_factor = 1.5;     // archive -> disk, before the first fetch
};

// What the owner knows of a model beyond the policy's own books; asked for all resident models
// when victims are chosen.
struct ModelUsage {
  TimePoint last_used{};
  uint64_t requests = 0;  // since the last time it was told
  int64_t in_flight = 0;  // running, queued, or admitted and on their way to the engine
};

struct ResidencyAction {
  enum class Kind {
    kFetch,   // bring the artifact to disk; then OnFetched
    kLoad,    // load it into memory; then OnLoaded
    kUnload,  // drain and free it; then OnUnloaded, when its memory is really free
    kDelete,  // remove it from disk; then OnDeleted
    kAdmit,   // it is ready: its `count` waiting requests (all of them) go to the engine
    kFail,    // the `count` oldest waiting requests of the model get `status`
  };
  Kind kind = Kind::kFetch;
  std::string id;
  // kAdmit, kFail: how many of the model's oldest waiting requests are meant. May be 0: nobody
  // waited (any more), but an OnWanted, a fetch or a load has ended this way.
  uint32_t count = 0;
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
    std::string name;              // what people call it, for messages; empty = its id
    bool on_disk = false;          // no fetch needed (a repository folder, an earlier start)
    bool deletable = true;         // false: its files are the user's, never deleted
    bool pinned = false;           // never a victim
    uint64_t disk_bytes = 0;       // when on_disk
    uint64_t download_bytes = 0;   // archive size, if known: a bound for "can never fit on disk"
    uint64_t measured_memory = 0;  // from an earlier load of the same content; 0 = unknown
    Duration measured_load{0};
  };
  // Adds a model, or updates an absent one; of a model that holds something only the pin and the
  // sizes not known yet are taken over. One that is being retired stays after all. No actions.
  // Files that are not deletable do not count against the disk budget.
  void Add(const std::string& id, const Known& known);
  // Forgets it once it holds nothing: unloads it when idle (after wait_budget in any case: an
  // unload drains) and deletes it if deletable. Its waiting and later requests fail with `why`.
  ResidencyActions Retire(const std::string& id, Status why, TimePoint now);

  // --- events ----------------------------------------------------------------------------------
  // A request for a model that was not ready when the owner looked. Joins the waiting ones of the
  // model, starts what is missing. kRefused concerns only this request and has no action: unknown
  // id (kNotFound), full queue (kUnavailable), never fitting (kResourceExhausted), remembered
  // failure (its code). kWaiting: park the request *before* carrying out `actions`; they may
  // already answer it.
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
  // The model's process died: it is on disk again, its memory free. While loading or draining the
  // end of that is still reported as OnLoaded or OnUnloaded; a load that a death has spoilt (OnLost
  // before it, or an error of kUnavailable) is tried again for those who wait, losses_tolerated
  // times.
  ResidencyActions OnLost(const std::string& id, TimePoint now);
  // An explicit unload: as a victim, but by the user's wish. No-op unless ready.
  ResidencyActions OnUnloadWanted(const std::string& id, const std::string& why, TimePoint now);
  // Measured private bytes of the processes beyond the books: allocator slack, activations.
  ResidencyActions OnOverhead(uint64_t bytes, TimePoint now);
  // Usage since the last call; call for ready models before an event that may choose victims.
  void OnUsage(const std::string& id, const ModelUsage& usage, TimePoint now);
  // Ends waits whose budget is spent (429 / kDeadlineExceeded), retries what waits for room.
  ResidencyActions OnTick(TimePoint now);
  // When OnTick wants to be called, usage told before; nothing = not before the next event. While
  // somebody waits for room, this is at most room_retry ahead: models become idle unnoticed.
  std::optional<TimePoint> WakeAt() const;

  // --- reading ---------------------------------------------------------------------------------
  ModelState state(const std::string& id) const;  // kAbsent for unknown ids
  ResidencyTotals totals() const;
  struct Row {
    std::string id;
    ModelState state = ModelState::kAbsent;
    uint64_t memory_bytes = 0, disk_bytes = 0;
    double worth = 0;  // predicted reuse × reload cost / bytes, s/h·GiB; the least goes first
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
