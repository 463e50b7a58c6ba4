// The instances that exist, with their processes' phase and their health. It does what the plan
// says and pings; it decides nothing.
//
// Its place: between reconcile (which calls Start, Stop, …) and the provider and the network (whose
// events come in as OnAddress, OnExit and answers to pings). Owner: Control. Threads: the strand
// only; answers from other threads are posted there.
//
// Invariant: `ready` is true only of a live process whose last pings were answered.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "control/fleet_plan.h"
#include "control/options.h"
#include "control/providers/provider.h"
#include "net/transport.h"
#include "policy/backoff.h"
#include "telemetry/decision_log.h"

namespace sarai::control {

// An instance as it is wanted: whose it is and how it is started.
struct WantedInstance {
  std::string endpoint, variant;
  Duration start_timeout{0};
  InstanceLaunch launch;
};

struct Instance {
  WantedInstance wanted;
  InstancePhase phase = InstancePhase::kStarting;
  std::string address;  // while running
  bool ready = false;
  bool was_ready = false;  // in this run
  int misses = 0;          // pings in a row
  uint64_t run = 0;        // counts its processes
  TimePoint started, last_ready, restart_at;
  policy::BackoffState backoff;
  int failed_starts = 0;  // runs in a row that ended before they were ready
  std::string last_end;   // how the last run ended; empty = none has

  // What a live instance says keeps it from being ready: its model is missing, corrupt, too large.
  // Waiting for a load is no fault.
  struct Fault {
    std::string code, message;
    TimePoint since;
  };
  std::optional<Fault> fault;
  // It has ended too often, or had its fault for too long, without having been ready.
  bool hopeless = false;
};

// The answer to a ping.
struct Pong {
  bool healthy = false;
  std::string fault_code, fault;  // empty = it named none
};

class Fleet {
 public:
  // `changed` is called after each change that reconcile should look at, never inside its calls.
  Fleet(const ControlOptions& options, InstanceProvider& provider, net::Transport& transport,
        const Clock& clock, std::shared_ptr<Executor> strand, telemetry::DecisionLog& decisions,
        std::function<void()> changed)
      : options_(options),
        provider_(provider),
        transport_(transport),
        clock_(clock),
        strand_(std::move(strand)),
        decisions_(decisions),
        changed_(std::move(changed)) {}

  const std::map<std::string, Instance, std::less<>>& all() const { return instances_; }
  const Instance* Find(std::string_view id) const;  // null = there is none
  std::vector<ActualInstance> Actual() const;

  void Start(WantedInstance wanted);  // also again, after its end
  void Stop(std::string_view id);
  void Kill(std::string_view id, std::string_view why);
  void Forget(std::string_view id);

  void OnAddress(const std::string& id, std::string address);
  void OnExit(const std::string& id, const std::string& how);

 private:
  Instance* Get(std::string_view id);
  Instance* GetRun(std::string_view id, uint64_t run);  // null = that run is over
  void Ping(const std::string& id, uint64_t run);
  void OnPong(const std::string& id, uint64_t run, const Pong& pong);
  void WarnOfMemory() const;
  void NoteFault(Instance& instance, const Pong& pong);
  void CheckHope(Instance& instance) const;
  void PingLater(const std::string& id, const Instance& instance);
  void Decide(DecisionKind kind, const std::string& id, std::string reason,
              std::map<std::string, double> numbers);

  const ControlOptions& options_;
  InstanceProvider& provider_;
  net::Transport& transport_;
  const Clock& clock_;
  const std::shared_ptr<Executor> strand_;
  telemetry::DecisionLog& decisions_;
  const std::function<void()> changed_;
  std::map<std::string, Instance, std::less<>> instances_;  // by id
};

}  // namespace sarai::control
