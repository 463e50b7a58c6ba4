// A transport's part on one loop: its connections there, the idle ones by peer.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "net/internal/loops.h"
#include "net/internal/tls.h"
#include "net/transport.h"

namespace sarai::net {

class ClientConnection;

struct TransportLimits {
  size_t max_idle_per_peer = 64;  // on each loop
  std::chrono::milliseconds idle_timeout{30'000};
};

// One Send on its way; whoever holds it owes the callback, and a stream that it has answered with
// an end.
struct Exchange {
  std::string address;
  http::Request request;
  SendOptions options;
  TimePoint deadline;
  SendCallback done;
  bool retried = false;
  uint64_t cancel_id = 0;  // in options.cancellation, while it is listened to
  ByteStreamPtr stream;    // of the answer that has been given

  // Calls back. Exceptions of the callback stop here.
  void Finish(std::expected<http::Response, SendError> outcome);
  void Fail(Status status, bool no_byte_received);
  void ForgetCancellation();
};

// Owns its connections; touched on the loop only.
class ClientPool final : public LoopService, public std::enable_shared_from_this<ClientPool> {
 public:
  ClientPool(std::shared_ptr<Loop> loop, TransportLimits limits, TlsContextPtr tls)
      : loop_(std::move(loop)), limits_(limits), tls_(std::move(tls)) {}

  Loop& loop() { return *loop_; }
  const TransportLimits& limits() const { return limits_; }
  const TlsContextPtr& tls() const { return tls_; }  // null: no peer is spoken to by TLS

  // On a kept-alive connection if there is one.
  void Send(std::unique_ptr<Exchange> exchange);
  void SendOnFreshConnection(std::unique_ptr<Exchange> exchange);
  // Ends all exchanges with kUnavailable, and all to come.
  void Stop();
  void OnLoopStop() override { Stop(); }

  // From the connections: free for the next exchange (false: no room, close), and gone.
  bool Park(ClientConnection& connection);
  void Remove(ClientConnection& connection);

 private:
  using Idle = std::vector<ClientConnection*>;  // the last used one is used next
  std::shared_ptr<ClientConnection> TakeIdle(const std::string& address);

  const std::shared_ptr<Loop> loop_;
  const TransportLimits limits_;
  const TlsContextPtr tls_;
  bool stopped_ = false;
  std::unordered_set<std::shared_ptr<ClientConnection>> connections_;
  std::unordered_map<std::string, Idle> idle_;
};

}  // namespace sarai::net
