#include "net/grpc/server.h"

#include <utility>

#include "net/event_loops.h"
#include "net/grpc/server_connection.h"
#include "net/internal/socket_server.h"

namespace sarai::net {
namespace {

ServerOptions SocketOptions(const GrpcServerOptions& options) {
  return {.address = options.address,
          .port = options.port,
          .reuse_port = options.reuse_port,
          .tls = options.tls};
}

MakeConnection GrpcConnections(std::shared_ptr<GrpcService> service) {
  return [service = std::move(service)](std::shared_ptr<ServerLoop> loop, tcp::socket socket) {
    return std::make_shared<GrpcConnection>(std::move(loop), std::move(socket), service);
  };
}

class RealGrpcServer final : public GrpcServer {
 public:
  RealGrpcServer(GrpcServerOptions options, GrpcHandler handler, TlsContextPtr tls)
      : service_(std::make_shared<GrpcService>(std::move(options), std::move(handler))),
        loops_(service_->options.threads),
        server_(loops_, SocketOptions(service_->options), GrpcConnections(service_),
                std::move(tls)) {}

  Status Start() { return server_.Start(); }
  std::string address() const override { return server_.address(); }
  void Drain(std::chrono::milliseconds patience) override {
    server_.Drain(patience);
    loops_.Stop();
  }

 private:
  const std::shared_ptr<GrpcService> service_;
  EventLoops loops_;
  SocketServer server_;
};

}  // namespace

Result<std::unique_ptr<GrpcServer>> GrpcServer::Listen(GrpcServerOptions options,
                                                       GrpcHandler handler) {
  SARAI_TRY(TlsContextPtr tls, MakeTlsContext(options.tls, "h2"));
  auto server =
      std::make_unique<RealGrpcServer>(std::move(options), std::move(handler), std::move(tls));
  SARAI_CHECK_OK(server->Start());
  return server;
}

}  // namespace sarai::net
