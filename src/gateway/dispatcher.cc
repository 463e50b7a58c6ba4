#include "gateway/dispatcher.h"

#include <utility>

#include "base/log.h"
#include "gateway/invocation.h"
#include "wire/http/text_of.h"

namespace sarai::gateway {

Dispatcher::Dispatcher(GatewayOptions options, net::Transport& transport, Executor& timers,
                       const Clock& clock, telemetry::Registry& registry, MetricSink metrics,
                       std::function<double()> uniform)
    : options_(std::move(options)),
      transport_(transport),
      timers_(timers),
      clock_(clock),
      sink_(std::move(metrics)),
      uniform_(std::move(uniform)),
      metrics_(registry, options_.max_model_series),
      sequences_(options_.max_sequences),
      snapshot_(std::make_shared<const FleetSnapshot>()) {}

std::shared_ptr<const FleetSnapshot> Dispatcher::Fleet() {
  const std::lock_guard lock(mu_);
  return snapshot_;
}

Result<std::string> Dispatcher::OnlyEndpoint() {
  const auto fleet = Fleet();
  if (fleet->endpoints.size() == 1) return fleet->endpoints.begin()->first;
  if (fleet->endpoints.empty())
    return Error(Code::kNotFound, "there is no endpoint: create one first");
  return Error(Code::kInvalidArgument,
               "there are {} endpoints: name one, as /endpoints/NAME/v2/… over HTTP or with the "
               "header or metadata sarai-endpoint",
               fleet->endpoints.size());
}

void Dispatcher::Start(std::unique_ptr<Errand> errand) {
  if (stopped_)
    return errand->Refuse(MakeStatus(Code::kUnavailable, "the service is shutting down"));
  if (++in_flight_ > options_.max_in_flight) {
    --in_flight_;
    return errand->Refuse(
        MakeStatus(Code::kResourceExhausted,
                   "{} requests are in flight, the most this gateway takes; try again",
                   options_.max_in_flight));
  }
  std::make_shared<Invocation>(shared_from_this(), std::move(errand))->Try();
}

void Dispatcher::Publish(const FleetView& fleet) {
  std::vector<std::shared_ptr<InstanceLink>> fresh;
  {
    const std::lock_guard lock(mu_);
    auto next = FleetSnapshot::Build(fleet, snapshot_.get());
    for (const auto& [id, link] : next->links)
      if (const auto it = snapshot_->links.find(id);
          it == snapshot_->links.end() || it->second != link)
        fresh.push_back(link);
    snapshot_ = std::move(next);
  }
  for (auto& link : fresh) Follow(std::move(link), 0);
  RetryHeld();
}

void Dispatcher::RetryHeld() {
  std::list<std::shared_ptr<Invocation>> retry;
  {
    const std::lock_guard lock(mu_);
    retry.swap(held_);
  }
  for (const auto& invocation : retry) invocation->Try();
}

bool Dispatcher::Hold(std::shared_ptr<Invocation> invocation) {
  if (stopped_ || clock_.Now() >= invocation->hold_until()) {
    invocation->GiveUp();
    return true;
  }
  const TimePoint until = invocation->hold_until();
  {
    const std::lock_guard lock(mu_);
    if (held_.size() >= options_.max_held) return false;
    held_.push_back(std::move(invocation));
  }
  timers_.PostAt(until, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->EndHolds();
  });
  return true;
}

void Dispatcher::EndHolds() {
  std::list<std::shared_ptr<Invocation>> over;
  {
    const std::lock_guard lock(mu_);
    for (auto it = held_.begin(); it != held_.end();) {
      const auto current = it++;
      if (stopped_ || clock_.Now() >= (*current)->hold_until())
        over.splice(over.end(), held_, current);
    }
  }
  for (const auto& invocation : over) invocation->GiveUp();
}

// One long poll after the other, for as long as the instance is in the fleet.
void Dispatcher::Follow(std::shared_ptr<InstanceLink> link, int64_t version) {
  if (stopped_ || link->retired()) return;
  http::Request poll{.method = "GET",
                     .target = fmt::format("/sarai/v1/residency?since={}&wait_ms={}", version,
                                           options_.feed_wait.count())};
  transport_.Send(link->address(), std::move(poll),
                  net::SendOptions{.timeout = options_.feed_wait + std::chrono::seconds(5)},
                  [weak = weak_from_this(), link,
                   version](std::expected<http::Response, net::SendError> reply) {
                    if (const auto self = weak.lock())
                      self->OnFeed(link, version, std::move(reply));
                  });
}

void Dispatcher::OnFeed(const std::shared_ptr<InstanceLink>& link, int64_t version,
                        std::expected<http::Response, net::SendError> reply) {
  // Who has told before and lets the connection go is gone: requests need not find that out.
  if (!reply && reply.error().status.code() == Code::kUnavailable && version > 0)
    link->SetBroken(true);
  if (reply && reply->status == 200) {
    const auto applied = link->ApplyFeed(http::TextOf(*reply));
    if (applied) {
      if (link->SetBroken(false)) RetryHeld();
      return Follow(link, *applied);
    }
    LogWarning("gateway", "{}", applied.error().message());
  }
  timers_.PostAt(clock_.Now() + options_.feed_retry, [weak = weak_from_this(), link, version] {
    if (const auto self = weak.lock()) self->Follow(link, version);
  });
}

void Dispatcher::FlushMetrics() {
  metrics_.Flush(clock_.WallNow(), sink_);
  if (stopped_) return;
  timers_.PostAt(clock_.Now() + options_.metrics_interval, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->FlushMetrics();
  });
}

void Dispatcher::Stop() {
  if (stopped_.exchange(true)) return;
  EndHolds();
  metrics_.Flush(clock_.WallNow(), sink_);
}

}  // namespace sarai::gateway
