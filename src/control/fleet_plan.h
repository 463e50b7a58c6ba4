// Which processes to start, stop or kill so that exactly the desired instances run. Pure.
//
//   (nothing) -> starting -> running -> stopping -> ended -> (nothing)
//                    |          |                    |  ^
//                    +----------+--------> ended ----+--+-> starting, after a back-off
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"

namespace sarai::control {

enum class InstancePhase {
  kStarting,  // a process that has not said its address
  kRunning,   // has an address; may or may not be ready
  kStopping,  // told to end
  kEnded,     // no process
};

struct ActualInstance {
  std::string id;
  InstancePhase phase = InstancePhase::kStarting;
  bool ready = false;    // answers pings
  TimePoint kill_at;     // starting or running, not ready: it has had enough time by then
  TimePoint restart_at;  // ended: not started again before
};

struct FleetAction {
  enum class Kind { kStart, kStop, kKill, kForget };
  Kind kind = Kind::kStart;
  std::string id;

  bool operator==(const FleetAction&) const = default;
};

struct FleetPlan {
  std::vector<FleetAction> actions;
  std::optional<TimePoint> wake_at;  // when time alone will call for another action
};

// Idempotent: once the actions are reflected in `actual`, the same call asks for nothing more.
FleetPlan PlanFleet(const std::set<std::string>& desired, std::span<const ActualInstance> actual,
                    TimePoint now);

}  // namespace sarai::control
