// The listening socket: hands each new connection to the loop that has the fewest.
#pragma once

#include <memory>
#include <vector>

#include "base/status.h"
#include "net/internal/server_loop.h"

namespace sarai::net {

// Lives on the first loop and is touched only there once it has started.
class Acceptor final : public LoopService, public std::enable_shared_from_this<Acceptor> {
 public:
  explicit Acceptor(std::vector<std::shared_ptr<ServerLoop>> parts);

  Status Listen(const ServerOptions& options);
  tcp::endpoint endpoint() const { return endpoint_; }  // after Listen

  void Start();  // on the loop, like all below
  void Close();
  void OnLoopStop() override { Close(); }

 private:
  void AcceptNext();
  void Accepted(tcp::socket socket);
  ServerLoop& LeastLoaded();
  void PauseThenAccept();

  const std::vector<std::shared_ptr<ServerLoop>> parts_;  // one per loop
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  tcp::endpoint endpoint_;
  size_t next_part_ = 0;
};

}  // namespace sarai::net
