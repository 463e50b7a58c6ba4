// The Transport of tests: peers are functions, and a request that waits is answered by hand.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "base/executor.h"
#include "net/transport.h"

namespace sarai::net {

// Thread-safe. An address nobody set is refused, as a closed port is. Callbacks run on the
// executor if one is given, otherwise inside the call that answers.
class SimulatedTransport final : public Transport {
 public:
  using Answer = std::expected<http::Response, SendError>;
  using Peer = std::function<Answer(const http::Request&)>;
  struct Sent {
    std::string address;
    http::Request request;
    SendOptions options;
  };

  explicit SimulatedTransport(Executor* executor = nullptr) : executor_(executor) {}
  ~SimulatedTransport() override;  // what still waits ends with kUnavailable

  void Send(std::string address, http::Request request, SendOptions options,
            SendCallback done) override;

  void SetPeer(const std::string& address, Peer peer);  // answers from now on
  void HoldPeer(const std::string& address);            // lets requests wait for Complete
  void RemovePeer(const std::string& address);          // refuses; what waits there is broken off

  // Answers the oldest request that waits at the address; false if none does.
  bool Complete(const std::string& address, Answer answer);
  size_t waiting(const std::string& address) const;
  std::vector<Sent> sent() const;  // all requests so far, in order

 private:
  struct Place {
    Peer peer;  // empty: requests wait
    std::deque<SendCallback> waiting;
  };
  void Deliver(SendCallback done, Answer answer);

  Executor* const executor_;
  mutable std::mutex mu_;
  std::map<std::string, Place> places_;  // guarded by mu_
  std::vector<Sent> sent_;               // guarded by mu_
};

}  // namespace sarai::net
