#include "control/endpoint_plan.h"

namespace sarai::control {
namespace {

EndpointStep Await(const DeploymentHealth& health, EndpointMove success, EndpointMove failure,
                   TimePoint now) {
  if (health.all_ready) return {success, std::nullopt};
  if (health.hopeless || now >= health.deadline) return {failure, std::nullopt};
  return {EndpointMove::kStay, health.deadline};
}

}  // namespace

EndpointStep StepEndpoint(const EndpointSituation& situation, TimePoint now) {
  switch (situation.status) {
    case EndpointStatus::kCreating:
      if (!situation.pending) return {EndpointMove::kFail, std::nullopt};
      return Await(*situation.pending, EndpointMove::kPromote, EndpointMove::kFail, now);
    case EndpointStatus::kUpdating:
      if (situation.pending)
        return Await(*situation.pending, EndpointMove::kPromote, EndpointMove::kRollBack, now);
      if (!situation.current) return {EndpointMove::kFail, std::nullopt};
      // A change of size keeps what runs; the instances still missing go on being tried.
      return Await(*situation.current, EndpointMove::kSettle, EndpointMove::kSettle, now);
    case EndpointStatus::kDeleting:
      if (!situation.has_processes) return {EndpointMove::kRemove, std::nullopt};
      return {};
    case EndpointStatus::kInService:
    case EndpointStatus::kFailed: return {};
  }
  return {};
}

}  // namespace sarai::control
