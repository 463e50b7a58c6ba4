// Makes the desired endpoints real: compares them with the instances that exist, acts on the
// difference, moves the endpoints' statuses on, and publishes what can be routed to.
//
// Level-triggered: it may be kicked at any time and looks at everything; a change that was missed
// is found by the next run. Owner: Control. Threads: the strand only.
//
// Invariant: a status is published only after it is in the state file.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "control/endpoint_plan.h"
#include "control/fleet.h"
#include "control/options.h"
#include "control/state/state.h"
#include "types/fleet.h"

namespace sarai::control {

class Reconciler {
 public:
  Reconciler(const ControlOptions& options, State& state, Fleet& fleet,
             const InstanceProvider& provider, const Clock& clock, std::shared_ptr<Executor> strand,
             std::function<void(FleetViewPtr)> publish)
      : options_(options),
        state_(state),
        fleet_(fleet),
        provider_(provider),
        clock_(clock),
        strand_(std::move(strand)),
        publish_(std::move(publish)) {}

  // Runs soon; several kicks before that make one run.
  void Kick();

  // Ids of all instances that should exist.
  std::set<std::string> DesiredIds() const;

 private:
  using WantedById = std::map<std::string, WantedInstance>;

  void Run();
  WantedById Wanted() const;
  void AddWanted(const EndpointRecord& endpoint, const Deployment& deployment,
                 WantedById& wanted) const;
  bool MatchFleet();     // true when something was done
  bool StepEndpoints();  // true when something was done
  bool Step(const EndpointRecord& endpoint);
  DeploymentHealth HealthOf(const EndpointRecord& endpoint, const Deployment& deployment);
  Status Apply(const EndpointRecord& endpoint, EndpointMove move);
  std::string FailureReason(const Deployment& deployment) const;
  void WakeAt(std::optional<TimePoint> when);

  const ControlOptions& options_;
  State& state_;
  Fleet& fleet_;
  const InstanceProvider& provider_;
  const Clock& clock_;
  const std::shared_ptr<Executor> strand_;
  const std::function<void(FleetViewPtr)> publish_;

  // When an endpoint's change was first seen in this process, and which change it was.
  struct Change {
    WallTime modified;
    TimePoint since;
  };
  std::map<std::string, Change, std::less<>> changes_;  // by endpoint
  bool kicked_ = false;
  std::optional<TimePoint> wake_at_;
};

// What the gateway is told.
FleetViewPtr ViewOf(const EndpointTable& endpoints, const Fleet& fleet);

}  // namespace sarai::control
