// TLS over a connected socket, by OpenSSL: what a Socket reads and writes through when it is given
// a context. OpenSSL itself stays in tls.cc.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "net/internal/asio.h"
#include "net/server.h"
#include "net/transport.h"

namespace boost::asio::ssl {
class context;
}

namespace sarai::net {

// Certificates and keys, read; null: no TLS.
using TlsContextPtr = std::shared_ptr<boost::asio::ssl::context>;

// A server's; null when `options` name no certificate. `protocol` ("http/1.1", "h2") is agreed on
// with clients that ask (ALPN). Errors name the file.
Result<TlsContextPtr> MakeTlsContext(const TlsOptions& options, std::string_view protocol);
Result<TlsContextPtr> MakeTlsContext(const ClientTlsOptions& options);

// One side of one connection. Its owner keeps it and the socket while an operation is pending, at
// most one of each kind. On the socket's loop only.
class TlsStream {
 public:
  using Done = std::move_only_function<void(ErrorCode)>;
  using DoneBytes = std::move_only_function<void(ErrorCode, size_t)>;

  TlsStream(tcp::socket& socket, TlsContextPtr context);
  ~TlsStream();

  void AsyncAccept(Done done);
  // The peer must prove to be `host`, a name or an address.
  void AsyncConnect(const std::string& host, Done done);
  void AsyncRead(std::span<char> room, DoneBytes done);
  void AsyncWrite(std::span<const asio::const_buffer> bytes, DoneBytes done);
  // Tells the peer that nothing follows; done when it says the same, or leaves.
  void AsyncShutdown(Done done);

 private:
  struct Impl;
  const std::unique_ptr<Impl> impl_;
};

}  // namespace sarai::net
