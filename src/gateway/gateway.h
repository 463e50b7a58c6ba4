// The front of SageMaker Runtime: InvokeEndpoint comes in, is routed to the instance that holds the
// model (or is its home), forwarded over the MME container contract and answered in AWS's words.
//
// Its place: above `net` (it is a handler and uses a Transport), beside `control`, which publishes
// the fleet to it through a value. If control stops, the last fleet goes on being served.
//
// Threads: Handle runs on the caller's event loop and never blocks; Publish may be called from any
// thread. What requests share is a published snapshot and, per instance, a small locked table.
//
// Invariant: every request is answered exactly once; a request is sent a second time only when not
// one byte of an answer came back.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "net/transport.h"
#include "policy/routing.h"
#include "telemetry/metrics.h"
#include "types/fleet.h"
#include "types/metric.h"
#include "wire/http/message.h"

namespace sarai::gateway {

struct GatewayOptions {
  std::string account = "123456789012";
  uint64_t max_body_bytes = 6'291'456;  // of InvokeEndpoint, as AWS's service model says
  int64_t max_in_flight = 4096;         // over all endpoints; more are shed with 503
  std::chrono::milliseconds invoke_timeout{60'000};  // of one attempt, waiting for a load included
  // How long a request waits for an instance when none of its variant's answers (restarting).
  std::chrono::milliseconds hold_timeout{15'000};
  size_t max_held = 1024;
  std::chrono::milliseconds feed_wait{5'000};  // long poll of an instance's residency
  std::chrono::milliseconds feed_retry{200};   // after a failed poll
  std::chrono::milliseconds metrics_interval{1'000};
  size_t max_model_series = 1000;  // per-model metric series; further models count as "other"
  policy::RoutingOptions routing;
};

class Gateway {
 public:
  // `transport`, `timers`, `clock` and `registry` must outlive the gateway. `uniform` gives numbers
  // in [0,1) for the choice of a variant; `new_id` gives request ids (UUIDs). All thread-safe.
  Gateway(GatewayOptions options, net::Transport& transport, Executor& timers, const Clock& clock,
          telemetry::Registry& registry, MetricSink metrics, std::function<double()> uniform,
          std::function<std::string()> new_id);
  ~Gateway();

  // Requests for /endpoints/… are ours.
  static bool Owns(const http::Request& request);
  void Handle(http::Request request, http::Responder respond);

  void Publish(FleetViewPtr fleet);

  // Ends feeds and held requests; answers new ones with 503. Idempotent.
  void Stop();

 private:
  struct Core;
  std::shared_ptr<Core> core_;
};

}  // namespace sarai::gateway
