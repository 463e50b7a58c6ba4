// What servers of all protocols have in common: a listening socket, connections on the loops, an
// orderly end.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/internal/acceptor.h"
#include "net/internal/server_loop.h"

namespace sarai::net {

// Owns the acceptor and one ServerLoop per loop; itself touched by its owner's threads only.
class SocketServer {
 public:
  // `loops` outlives it; `tls` is made of the options'.
  SocketServer(EventLoops& loops, ServerOptions options, MakeConnection make_connection,
               TlsContextPtr tls = nullptr);
  ~SocketServer() { Drain(std::chrono::milliseconds(0)); }

  Status Start();
  std::string address() const;  // "127.0.0.1:34567"
  uint16_t port() const { return acceptor_->endpoint().port(); }
  // As HttpServer::Drain.
  void Drain(std::chrono::milliseconds patience);

 private:
  const std::shared_ptr<ServerShared> shared_;
  std::vector<std::shared_ptr<ServerLoop>> parts_;
  std::shared_ptr<Acceptor> acceptor_;
  std::mutex drain_mu_;
  bool drained_ = false;  // guarded by drain_mu_
};

}  // namespace sarai::net
