// The AWS control APIs, the desired state behind them, and what makes it true: endpoints are kept
// in SQLite, reconciled into running instances, watched, and published as a FleetView. Also the
// metric store that CloudWatch's calls read.
//
// Its place: beside the gateway in `sarai serve`, never on the path of an inference. `cli` joins
// the two with values: FleetViews go one way, MetricSamples the other.
//
// Threads: Handle, sink() and OpenMetrics may be called from any thread and do not block for long.
// Inside, one strand owns the desired state and reconcile, one owns the metric store, and one
// long-lived thread is the parent of all instance processes.
//
// Invariant: what an API call has answered is in the state file; a kill at any moment loses no
// endpoint.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "control/options.h"
#include "net/transport.h"
#include "types/fleet.h"
#include "types/metric.h"
#include "wire/http/message.h"

namespace sarai::control {

class Control {
 public:
  // `transport` and `clock` must outlive it. `new_id` gives request ids (UUIDs); thread-safe.
  Control(ControlOptions options, net::Transport& transport, const Clock& clock,
          std::function<std::string()> new_id);
  ~Control();  // Stop, if nobody did

  // Called with every new view, in order, from one thread; set it before Start.
  void OnFleet(std::function<void(FleetViewPtr)> publish);

  // Opens the state and brings every endpoint in it back. Errors name the file or option.
  Status Start();

  // Refuses new calls, then ends all instances (SIGTERM, patience, SIGKILL). Blocks; idempotent.
  void Stop();

  // SageMaker (JSON 1.1) and CloudWatch (JSON 1.0) by X-Amz-Target, and GET /sarai/v1/decisions,
  // /sarai/v1/explain. Anything else is answered with UnknownOperationException.
  void Handle(http::Request request, http::Responder respond);

  // Where metric samples go; may outlive Control.
  MetricSink sink();

  // All CloudWatch metrics as OpenMetrics families, without the closing "# EOF".
  std::string OpenMetrics() const;

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace sarai::control
