// When a connection pings its client, when it gives the client up, and which of the client's own
// pings are too many. Pure: times come in, decisions go out.
// Source: gRPC's doc/keepalive.md and proposal A8.
#pragma once

#include <optional>

#include "base/clock.h"
#include "net/grpc/server.h"

namespace sarai::net {

class Keepalive {
 public:
  enum class Action { kNone, kPing, kGiveUp };

  Keepalive(const GrpcServerOptions& options, TimePoint now)
      : options_(options), last_received_(now) {}

  void OnReceived(TimePoint now) { last_received_ = now; }
  void OnPong() { ping_sent_.reset(); }
  // A call's answer has been sent.
  void OnDataSent() {
    pings_without_data_ = strikes_ = 0;
    last_client_ping_.reset();
  }
  // `has_calls`: at least one is under way. False: it has pinged too often and must go.
  bool OnClientPing(TimePoint now, bool has_calls);

  // When to ask for an action again.
  TimePoint NextCheck() const;
  Action Check(TimePoint now, bool has_calls);

 private:
  const GrpcServerOptions& options_;
  TimePoint last_received_;
  std::optional<TimePoint> ping_sent_;  // unanswered
  std::optional<TimePoint> last_client_ping_;
  int pings_without_data_ = 0, strikes_ = 0;
};

}  // namespace sarai::net
