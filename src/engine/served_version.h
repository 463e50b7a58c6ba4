// One loaded version of a model: the framework's object, the requests that wait for it, and how
// many runs are under way.
//
// Its place: the engine puts requests in, lanes take turns with it; it says what to do next and
// never calls out. Owned by its Model, and by the lanes and alarms while they mean to look at it.
//
//   Serving -> Draining -> gone      by Unload: what waits and runs is finished first
//   Serving | Draining -> Lost -> gone   its process died, or the engine ends: what waits fails
//
// Threads: any. Invariants: at most spec().instance_count turns run at once; once it is not
// serving, has no waiting requests, no run and no open stream, exactly one caller is told to put it
// to rest, and only then does the framework's object go.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "backends/backend.h"
#include "engine/counters.h"
#include "engine/departure.h"
#include "engine/ensemble/step_gates.h"
#include "engine/ordered_replies.h"
#include "engine/scheduler.h"
#include "policy/ensemble.h"
#include "policy/short_runs.h"

namespace sarai::engine {

class ResponseStream;

class ServedVersion {
 public:
  enum class State { kServing, kDraining, kLost };

  struct Parts {
    ModelSpec spec;
    std::unique_ptr<backends::BackendModel> model;
    backends::Backend* backend = nullptr;
    std::vector<Tensor> initial_states;           // of sequences
    std::vector<policy::EnsembleMember> members;  // of ensembles, by step
  };
  struct Options {
    uint32_t default_max_queue_size = 1024;
    uint64_t load_number = 0;
    Duration run_here_median_max{0};
  };
  ServedVersion(Parts parts, const Options& options, std::shared_ptr<Departure> departure);

  const ModelSpec& spec() const { return spec_; }
  uint64_t load_number() const { return load_number_; }  // unique in the process
  backends::Backend* backend() const { return backend_; }
  backends::BackendModel& model() const { return *model_; }  // only within a turn that runs a batch
  Counters& counters() { return counters_; }
  const Counters& counters() const { return counters_; }
  OrderedReplies& replies() { return replies_; }
  bool keeps_order() const { return keeps_order_; }
  State state() const { return state_.load(std::memory_order_acquire); }

  // What the caller has to arrange after a change.
  struct FollowUp {
    bool schedule = false;               // a lane should take a turn
    TimePoint alarm = TimePoint::max();  // look again then (OnAlarm)
    bool rest = false;                   // give it to the reaper: told to one caller only
    bool run_here = false;  // with `schedule`: the one request is short enough to run it at once
  };

  // Moves the request in. Errors, with the request left where it is: kUnavailable (draining, lost,
  // queue full); kInvalidArgument (the scheduler's).
  Result<FollowUp> Enqueue(Pending& pending, TimePoint now);

  struct Turn {
    std::vector<Pending> expired;
    std::vector<Pending> batch;  // empty: nothing to run, and no EndTurn
    uint64_t sequence = 0;       // of the batch, for replies()
    int instance = -1;           // that must run it; -1 = any
    FollowUp next;
  };
  Turn TakeTurn(TimePoint now);
  // For turns that need leave: the lane that was asked for is here, or is not taken, and another
  // may be asked for from now on; leave has come, which a lane has to use even with nothing left to
  // run.
  void OnLane();
  FollowUp OnLeave();
  struct RunCost {
    Duration took{0};
    uint64_t input_bytes = 0;
  };
  // Ends a turn that ran a batch. `again` are requests of it that run once more, each alone; those
  // that are still in there afterwards cannot (the version is lost).
  FollowUp EndTurn(std::vector<Pending>& again, const RunCost& cost);
  // The alarm asked for has rung: sheds, and says whether a lane should look.
  Turn OnAlarm(TimePoint now);
  // The caller of a request that may wait here has left; it is only compared.
  Turn OnCancelled(const PendingRequest* request, TimePoint now);
  // The run of `batch` has ended, it is not answered yet. Only what the scheduler wants to know.
  void OnRunEnded(std::vector<Pending>& batch, int instance, TimePoint now);

  // Within a turn that runs a batch: keeps the version alive until the stream is closed. False
  // when the model was lost meanwhile.
  using StreamPtr = std::shared_ptr<ResponseStream>;
  bool Open(StreamPtr stream);
  FollowUp Close(const StreamPtr& stream);

  // Of ensembles, whose requests wait for others' models only: one has come (kUnavailable: not
  // serving), one has been answered.
  Status BeginEnsemble();
  FollowUp EndEnsemble();
  const std::vector<policy::EnsembleMember>& members() const { return members_; }
  StepGates& step_gates() { return step_gates_; }

  // No more requests; those here are finished first.
  FollowUp Drain();
  // No more requests; those that wait are handed out to be failed, and so are the streams. `why`
  // completes the sentence "model 'x' …" for them and for all that come later.
  struct Lost {
    std::vector<Pending> requests;
    std::vector<StreamPtr> streams;
    FollowUp next;
  };
  Lost Lose(std::string why);

  // What a request gets that comes too late. Only when not serving.
  Status Refusal();

  // On the reaper, after `rest` was told: frees the framework's object.
  void Destroy();
  Departure& departure() { return *departure_; }

 private:
  bool MayRun() const { return running_ < spec_.instance_count; }
  void CountWaiting();
  bool ClaimRest();
  bool ClaimSchedule();
  TimePoint ClaimAlarm(TimePoint at);
  Status RefusalLocked() const;

  // Constant after construction (model_ until Destroy).
  const ModelSpec spec_;
  std::unique_ptr<backends::BackendModel> model_;
  backends::Backend* const backend_;
  const bool keeps_order_;
  const std::shared_ptr<Departure> departure_;
  const std::vector<policy::EnsembleMember> members_;
  const uint64_t load_number_;

  // Own synchronisation.
  Counters counters_;
  OrderedReplies replies_;
  StepGates step_gates_;
  std::atomic<State> state_{State::kServing};  // written under mu_

  // Guarded by mu_.
  std::mutex mu_;
  const std::unique_ptr<Scheduler> scheduler_;
  policy::ShortRuns short_runs_;
  std::string lost_why_;
  int running_ = 0;
  std::set<StreamPtr> streams_;
  uint64_t next_sequence_ = 0;
  bool scheduled_ = false;                 // a lane has been asked and has not looked yet
  TimePoint alarm_at_ = TimePoint::max();  // the earliest asked for that has not rung yet
  bool resting_ = false;
};

}  // namespace sarai::engine
