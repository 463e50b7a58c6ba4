#include "net/grpc/keepalive.h"

#include <algorithm>

namespace sarai::net {
namespace {

// Between pings of a client that has no call under way, where those are not permitted.
constexpr std::chrono::hours kIdlePingInterval{2};

}  // namespace

bool Keepalive::OnClientPing(TimePoint now, bool has_calls) {
  Duration interval = options_.min_recv_ping_interval_without_data;
  if (!has_calls && !options_.keepalive_permit_without_calls)
    interval = std::max<Duration>(interval, kIdlePingInterval);
  const bool early = last_client_ping_ && now - *last_client_ping_ < interval;
  last_client_ping_ = now;
  if (!early) return true;
  ++strikes_;
  return options_.max_ping_strikes == 0 || strikes_ <= options_.max_ping_strikes;
}

TimePoint Keepalive::NextCheck() const {
  if (ping_sent_) return *ping_sent_ + options_.keepalive_timeout;
  return last_received_ + options_.keepalive_time;
}

Keepalive::Action Keepalive::Check(TimePoint now, bool has_calls) {
  if (now < NextCheck()) return Action::kNone;
  if (ping_sent_) return Action::kGiveUp;
  const bool wanted = has_calls || options_.keepalive_permit_without_calls;
  const bool allowed =
      options_.max_pings_without_data == 0 || pings_without_data_ < options_.max_pings_without_data;
  last_received_ = now;  // the next look is one interval away
  if (!wanted || !allowed) return Action::kNone;
  ++pings_without_data_;
  ping_sent_ = now;
  return Action::kPing;
}

}  // namespace sarai::net
