#include "gateway/gateway.h"

#include <atomic>
#include <list>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log.h"
#include "gateway/fleet_snapshot.h"
#include "gateway/invocation.h"
#include "gateway/invoke_answer.h"
#include "gateway/invoke_metrics.h"
#include "gateway/invoke_request.h"
#include "wire/http/text_of.h"
#include "wire/sigv4/sigv4.h"

namespace sarai::gateway {
namespace {

constexpr std::string_view kPathPrefix = "/endpoints/";

}  // namespace

struct Gateway::Core : std::enable_shared_from_this<Gateway::Core> {
  Core(GatewayOptions gateway_options, net::Transport& net_transport, Executor& timer_executor,
       const Clock& time, telemetry::Registry& registry, MetricSink metric_sink,
       std::function<double()> uniform_source, std::function<std::string()> id_source)
      : options(std::move(gateway_options)),
        transport(net_transport),
        timers(timer_executor),
        clock(time),
        sink(std::move(metric_sink)),
        uniform(std::move(uniform_source)),
        new_id(std::move(id_source)),
        metrics(registry, options.max_model_series),
        snapshot(std::make_shared<const FleetSnapshot>()) {}

  std::shared_ptr<const FleetSnapshot> Fleet() {
    std::lock_guard lock(mu);
    return snapshot;
  }

  void Handle(http::Request request, http::Responder respond);
  void Publish(const FleetView& fleet);
  void Stop();
  bool Hold(std::shared_ptr<Invocation> invocation);
  void RetryHeld();
  void EndHolds();
  void Follow(std::shared_ptr<InstanceLink> link, int64_t version);
  void OnFeed(const std::shared_ptr<InstanceLink>& link, int64_t version,
              std::expected<http::Response, net::SendError> reply);
  void FlushMetrics();

  const GatewayOptions options;
  net::Transport& transport;
  Executor& timers;
  const Clock& clock;
  const MetricSink sink;
  const std::function<double()> uniform;
  const std::function<std::string()> new_id;

  InvokeMetrics metrics;
  std::atomic<int64_t> in_flight = 0;
  std::atomic<bool> stopped = false;

  std::mutex mu;
  std::shared_ptr<const FleetSnapshot> snapshot;  // guarded by mu
  std::list<std::shared_ptr<Invocation>> held;    // guarded by mu; by end of hold
};

void Gateway::Core::Handle(http::Request request, http::Responder respond) {
  const std::string request_id = new_id();
  if (stopped)
    return respond(
        Refusal(MakeStatus(Code::kUnavailable, "the service is shutting down"), request_id));
  auto invoke = ParseInvoke(request, options.max_body_bytes);
  if (!invoke) return respond(Refusal(invoke.error(), request_id));
  if (++in_flight > options.max_in_flight) {
    --in_flight;
    return respond(
        Refusal(MakeStatus(Code::kResourceExhausted,
                           "{} requests are in flight, the most this gateway takes; try again",
                           options.max_in_flight),
                request_id));
  }
  AnswerContext context{.account = options.account,
                        .region = sigv4::RegionOf(request).value_or("us-east-1"),
                        .endpoint = invoke->endpoint,
                        .target_model = invoke->target_model,
                        .request_id = request_id};
  InvocationServices services{
      .options = options,
      .transport = transport,
      .clock = clock,
      .metrics = metrics,
      .fleet = [self = shared_from_this()] { return self->Fleet(); },
      .uniform = uniform,
      .hold =
          [self = shared_from_this()](std::shared_ptr<Invocation> invocation) {
            return self->Hold(std::move(invocation));
          }};
  auto shared_respond = std::make_shared<http::Responder>(std::move(respond));
  std::make_shared<Invocation>(std::move(services), std::move(*invoke), std::move(context),
                               [self = shared_from_this(), shared_respond](http::Response answer) {
                                 --self->in_flight;
                                 (*shared_respond)(std::move(answer));
                               })
      ->Try();
}

void Gateway::Core::Publish(const FleetView& fleet) {
  std::vector<std::shared_ptr<InstanceLink>> fresh;
  {
    std::lock_guard lock(mu);
    auto next = FleetSnapshot::Build(fleet, snapshot.get());
    for (const auto& [id, link] : next->links)
      if (const auto it = snapshot->links.find(id);
          it == snapshot->links.end() || it->second != link)
        fresh.push_back(link);
    snapshot = std::move(next);
  }
  for (auto& link : fresh) Follow(std::move(link), 0);
  RetryHeld();
}

void Gateway::Core::RetryHeld() {
  std::list<std::shared_ptr<Invocation>> retry;
  {
    std::lock_guard lock(mu);
    retry.swap(held);
  }
  for (const auto& invocation : retry) invocation->Try();
}

bool Gateway::Core::Hold(std::shared_ptr<Invocation> invocation) {
  if (stopped || clock.Now() >= invocation->hold_until()) {
    invocation->GiveUp();
    return true;
  }
  const TimePoint until = invocation->hold_until();
  {
    std::lock_guard lock(mu);
    if (held.size() >= options.max_held) return false;
    held.push_back(std::move(invocation));
  }
  timers.PostAt(until, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->EndHolds();
  });
  return true;
}

void Gateway::Core::EndHolds() {
  std::list<std::shared_ptr<Invocation>> over;
  {
    std::lock_guard lock(mu);
    for (auto it = held.begin(); it != held.end();) {
      const auto current = it++;
      if (stopped || clock.Now() >= (*current)->hold_until())
        over.splice(over.end(), held, current);
    }
  }
  for (const auto& invocation : over) invocation->GiveUp();
}

// One long poll after the other, for as long as the instance is in the fleet.
void Gateway::Core::Follow(std::shared_ptr<InstanceLink> link, int64_t version) {
  if (stopped || link->retired()) return;
  http::Request poll{.method = "GET",
                     .target = fmt::format("/sarai/v1/residency?since={}&wait_ms={}", version,
                                           options.feed_wait.count())};
  transport.Send(link->address(), std::move(poll),
                 net::SendOptions{.timeout = options.feed_wait + std::chrono::seconds(5)},
                 [weak = weak_from_this(), link,
                  version](std::expected<http::Response, net::SendError> reply) {
                   if (const auto self = weak.lock()) self->OnFeed(link, version, std::move(reply));
                 });
}

void Gateway::Core::OnFeed(const std::shared_ptr<InstanceLink>& link, int64_t version,
                           std::expected<http::Response, net::SendError> reply) {
  if (reply && reply->status == 200) {
    const auto applied = link->ApplyFeed(http::TextOf(*reply));
    if (applied) {
      if (link->SetBroken(false)) RetryHeld();
      return Follow(link, *applied);
    }
    LogWarning("gateway", "{}", applied.error().message());
  }
  timers.PostAt(clock.Now() + options.feed_retry, [weak = weak_from_this(), link, version] {
    if (const auto self = weak.lock()) self->Follow(link, version);
  });
}

void Gateway::Core::FlushMetrics() {
  metrics.Flush(clock.WallNow(), sink);
  if (stopped) return;
  timers.PostAt(clock.Now() + options.metrics_interval, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->FlushMetrics();
  });
}

void Gateway::Core::Stop() {
  if (stopped.exchange(true)) return;
  EndHolds();
  metrics.Flush(clock.WallNow(), sink);
}

Gateway::Gateway(GatewayOptions options, net::Transport& transport, Executor& timers,
                 const Clock& clock, telemetry::Registry& registry, MetricSink metrics,
                 std::function<double()> uniform, std::function<std::string()> new_id)
    : core_(std::make_shared<Core>(std::move(options), transport, timers, clock, registry,
                                   std::move(metrics), std::move(uniform), std::move(new_id))) {
  core_->FlushMetrics();
}

Gateway::~Gateway() { Stop(); }

bool Gateway::Owns(const http::Request& request) { return request.target.starts_with(kPathPrefix); }

void Gateway::Handle(http::Request request, http::Responder respond) {
  core_->Handle(std::move(request), std::move(respond));
}

void Gateway::Publish(FleetViewPtr fleet) { core_->Publish(*fleet); }

void Gateway::Stop() { core_->Stop(); }

}  // namespace sarai::gateway
