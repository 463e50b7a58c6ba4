// The status machine of an endpoint: what its next move is, given how its deployments do. Pure.
//
//   Creating  --all ready--> InService         --deadline, hopeless--> Failed
//   Updating  --new fleet ready--> InService   --deadline, hopeless--> InService on the old fleet
//   Deleting  --last process gone--> (removed)
#pragma once

#include <optional>

#include "base/clock.h"
#include "control/state/endpoint_record.h"

namespace sarai::control {

struct DeploymentHealth {
  bool all_ready = false;  // every instance of every variant answers
  bool hopeless = false;   // an instance ended again and again before it was ready once
  TimePoint deadline;      // it should be ready by then
};

struct EndpointSituation {
  EndpointStatus status = EndpointStatus::kCreating;
  std::optional<DeploymentHealth> current, pending;
  bool has_processes = false;  // of any deployment, past ones included
};

enum class EndpointMove {
  kStay,
  kPromote,   // the pending deployment becomes the current one; InService
  kSettle,    // the current deployment has reached its new size; InService
  kFail,      // Failed: nothing to go back to
  kRollBack,  // the pending deployment is dropped; InService on the current one
  kRemove,    // the record goes
};

struct EndpointStep {
  EndpointMove move = EndpointMove::kStay;
  std::optional<TimePoint> wake_at;  // when time alone will bring a move
};

EndpointStep StepEndpoint(const EndpointSituation& situation, TimePoint now);

}  // namespace sarai::control
