// An HTTP/1.1 server on loopback or wherever it is told to listen. Its place: bytes come in, a
// http::Request goes up to the handler, a http::Response comes back down from any thread.
//
// Threads: one acceptor and `threads` event loops, each connection on one of them. The handler is
// called on the connection's loop and must not block. Requests of one connection are answered in
// order; the next one is read after the answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "wire/http/message.h"

namespace sarai::net {

class EventLoops;

// PEM files. An empty certificate means no TLS.
struct TlsOptions {
  std::string certificate_file;  // with its chain
  std::string key_file;
  std::string client_authority_file;  // set: clients must show a certificate of this authority
  bool enabled() const { return !certificate_file.empty(); }
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;                                // 0 = the kernel picks
  bool reuse_port = false;                          // other processes may listen on it too
  uint64_t max_body_bytes = 256ull << 20;           // 413 above it
  uint32_t max_header_bytes = 64 << 10;             // 431 above it
  uint32_t max_connections = 4096;                  // further ones are closed at once
  std::chrono::milliseconds idle_timeout{120'000};  // between requests
  // From a request's first byte to its last, and for a TLS handshake.
  std::chrono::milliseconds read_timeout{60'000};
  std::chrono::milliseconds write_timeout{60'000};  // without any progress of an answer
  std::string server_name = "sarai";
  TlsOptions tls;
};

using Handler = std::function<void(http::Request, http::Responder)>;

class HttpServer {
 public:
  // Listens at once; errors name address and port, or the certificate's file. `loops` must outlive
  // the server.
  static Result<std::unique_ptr<HttpServer>> Listen(EventLoops& loops, ServerOptions options,
                                                    Handler handler);
  virtual ~HttpServer() = default;

  virtual std::string address() const = 0;  // "127.0.0.1:34567"
  virtual uint16_t port() const = 0;

  // Stops accepting, closes idle connections, lets requests in flight be answered, at most for
  // `patience`; then closes what is left. When it returns, the handler runs no more and is not
  // called again. Blocks, so not from a loop's thread; idempotent. Destruction drains with no
  // patience. Responders may outlive the server and its loops; they then answer nobody.
  virtual void Drain(std::chrono::milliseconds patience) = 0;
};

}  // namespace sarai::net
