#include "control/fleet_plan.h"

#include <algorithm>

namespace sarai::control {
namespace {

using Kind = FleetAction::Kind;

class Planner {
 public:
  explicit Planner(TimePoint now) : now_(now) {}

  void Keep(const ActualInstance& instance) {
    switch (instance.phase) {
      case InstancePhase::kStopping: return;  // started again once it has ended
      case InstancePhase::kEnded: return DoAt(instance.restart_at, Kind::kStart, instance.id);
      case InstancePhase::kStarting:
      case InstancePhase::kRunning:
        if (!instance.ready) DoAt(instance.kill_at, Kind::kKill, instance.id);
        return;
    }
  }

  void Drop(const ActualInstance& instance) {
    if (instance.phase == InstancePhase::kStopping) return;
    const bool ended = instance.phase == InstancePhase::kEnded;
    Do(ended ? Kind::kForget : Kind::kStop, instance.id);
  }

  void Do(Kind kind, const std::string& id) { plan_.actions.push_back({kind, id}); }

  FleetPlan plan() && { return std::move(plan_); }

 private:
  void DoAt(TimePoint when, Kind kind, const std::string& id) {
    if (when <= now_) return Do(kind, id);
    plan_.wake_at = plan_.wake_at ? std::min(*plan_.wake_at, when) : when;
  }

  const TimePoint now_;
  FleetPlan plan_;
};

}  // namespace

FleetPlan PlanFleet(const std::set<std::string>& desired, std::span<const ActualInstance> actual,
                    TimePoint now) {
  Planner planner(now);
  std::set<std::string> missing = desired;
  for (const ActualInstance& instance : actual) {
    missing.erase(instance.id);
    if (desired.contains(instance.id)) {
      planner.Keep(instance);
    } else {
      planner.Drop(instance);
    }
  }
  for (const std::string& id : missing) planner.Do(Kind::kStart, id);
  return std::move(planner).plan();
}

}  // namespace sarai::control
