// What all requests of the gateway share: the fleet, the bound on what is in flight, those that
// wait for an instance, the metrics. It starts errands and follows the instances' residency feeds.
//
// Threads: any; nothing here blocks. Lifetime: shared with the requests in flight.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "gateway/errand.h"
#include "gateway/fleet_snapshot.h"
#include "gateway/invoke_metrics.h"
#include "gateway/options.h"
#include "gateway/sequence_pins.h"
#include "net/transport.h"
#include "telemetry/metrics.h"
#include "types/fleet.h"
#include "types/metric.h"

namespace sarai::gateway {

class Invocation;

class Dispatcher : public std::enable_shared_from_this<Dispatcher> {
 public:
  Dispatcher(GatewayOptions options, net::Transport& transport, Executor& timers,
             const Clock& clock, telemetry::Registry& registry, MetricSink metrics,
             std::function<double()> uniform);

  void Start(std::unique_ptr<Errand> errand);
  void Publish(const FleetView& fleet);
  void FlushMetrics();  // again each interval
  void Stop();

  std::shared_ptr<const FleetSnapshot> Fleet();
  // The endpoint meant when a request names none: the only one. Errors: kNotFound, and
  // kInvalidArgument where there are several.
  Result<std::string> OnlyEndpoint();

  // Keeps the invocation until the fleet changes (it is then tried again) or its hold ends; false
  // when too many are held already.
  bool Hold(std::shared_ptr<Invocation> invocation);
  void Left() { --in_flight_; }  // an invocation is over, to its last byte

  const GatewayOptions& options() const { return options_; }
  net::Transport& transport() { return transport_; }
  const Clock& clock() const { return clock_; }
  InvokeMetrics& metrics() { return metrics_; }
  SequencePins& sequences() { return sequences_; }
  double Uniform() const { return uniform_(); }
  bool stopped() const { return stopped_; }

 private:
  void RetryHeld();
  void EndHolds();
  void Follow(std::shared_ptr<InstanceLink> link, int64_t version);
  void OnFeed(const std::shared_ptr<InstanceLink>& link, int64_t version,
              std::expected<http::Response, net::SendError> reply);

  const GatewayOptions options_;
  net::Transport& transport_;
  Executor& timers_;
  const Clock& clock_;
  const MetricSink sink_;
  const std::function<double()> uniform_;
  InvokeMetrics metrics_;
  SequencePins sequences_;
  std::atomic<int64_t> in_flight_ = 0;
  std::atomic<bool> stopped_ = false;

  std::mutex mu_;
  std::shared_ptr<const FleetSnapshot> snapshot_;  // guarded by mu_
  std::list<std::shared_ptr<Invocation>> held_;    // guarded by mu_
};

}  // namespace sarai::gateway
