// The front of SageMaker Runtime and of KServe v2 for whole endpoints: a request comes in, is
// routed to the instance that holds its model (or is its home), and answered in its client's words.
//
// Its place: above `net` (it is a handler and uses a Transport), beside `control`, which publishes
// the fleet to it through a value. If control stops, the last fleet goes on being served.
//
// Threads: Handle runs on the caller's event loop, HandleGrpc on a thread of gRPC's; neither
// blocks. Publish may be called from any thread.
//
// Invariant: every request is answered exactly once; a request is sent a second time only when not
// one byte of an answer came back.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/executor.h"
#include "gateway/options.h"
#include "net/grpc/server.h"
#include "net/transport.h"
#include "telemetry/metrics.h"
#include "types/fleet.h"
#include "types/metric.h"
#include "wire/http/message.h"

namespace sarai::gateway {

class Gateway {
 public:
  // `transport`, `timers`, `clock` and `registry` must outlive the gateway. `uniform` gives numbers
  // in [0,1) for the choice of a variant; `new_id` gives request ids (UUIDs). All thread-safe.
  Gateway(GatewayOptions options, net::Transport& transport, Executor& timers, const Clock& clock,
          telemetry::Registry& registry, MetricSink metrics, std::function<double()> uniform,
          std::function<std::string()> new_id);
  ~Gateway();

  // Requests for /endpoints/… and /v2… are ours.
  static bool Owns(const http::Request& request);
  void Handle(http::Request request, http::Responder respond);
  void HandleGrpc(net::GrpcCallPtr call);

  void Publish(FleetViewPtr fleet);

  // gRPC streams take no more requests, and end when those in flight are answered.
  void BeginDrain();
  // Ends feeds and held requests; answers new ones with 503. Idempotent.
  void Stop();

 private:
  struct Parts;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace sarai::gateway
