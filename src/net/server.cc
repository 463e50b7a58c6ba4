#include "net/server.h"

#include <utility>

#include "net/internal/server_connection.h"
#include "net/internal/socket_server.h"

namespace sarai::net {
namespace {

MakeConnection HttpConnections(Handler handler) {
  return [shared = std::make_shared<const Handler>(std::move(handler))](
             std::shared_ptr<ServerLoop> service, tcp::socket socket) {
    return std::make_shared<ServerConnection>(std::move(service), std::move(socket), shared);
  };
}

class RealHttpServer final : public HttpServer {
 public:
  RealHttpServer(EventLoops& loops, ServerOptions options, Handler handler, TlsContextPtr tls)
      : server_(loops, std::move(options), HttpConnections(std::move(handler)), std::move(tls)) {}

  Status Start() { return server_.Start(); }
  std::string address() const override { return server_.address(); }
  uint16_t port() const override { return server_.port(); }
  void Drain(std::chrono::milliseconds patience) override { server_.Drain(patience); }

 private:
  SocketServer server_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Listen(EventLoops& loops, ServerOptions options,
                                                       Handler handler) {
  SARAI_TRY(TlsContextPtr tls, MakeTlsContext(options.tls, "http/1.1"));
  auto server = std::make_unique<RealHttpServer>(loops, std::move(options), std::move(handler),
                                                 std::move(tls));
  if (Status status = server->Start(); !status.ok()) return Error(std::move(status));
  return server;
}

}  // namespace sarai::net
