// A connected byte stream: the few calls through which the room reads and writes, over TLS from a
// handshake on.
#pragma once

#include <fcntl.h>

#include <memory>
#include <span>
#include <string>
#include <utility>

#include <boost/asio/connect.hpp>

#include "net/internal/asio.h"
#include "net/internal/tls.h"

namespace sarai::net {

// Child processes must not inherit sockets: they would hold connections and ports open.
inline void CloseOnExec(int fd) { ::fcntl(fd, F_SETFD, FD_CLOEXEC); }

class Socket {
 public:
  explicit Socket(asio::io_context& io) : tcp_(io) {}
  explicit Socket(tcp::socket connected) : tcp_(std::move(connected)) { Connected(); }

  // Small messages leave at once, and no call waits. A failure shows at the first read or write.
  void Connected() {
    ErrorCode ignored;
    tcp_.set_option(tcp::no_delay(true), ignored);
    tcp_.non_blocking(true, ignored);
    CloseOnExec(tcp_.native_handle());
  }

  template <typename Peers, typename Done>  // void(ErrorCode); tries the endpoints in turn
  void AsyncConnect(const Peers& peers, Done done) {
    asio::async_connect(
        tcp_, peers,
        [done = std::move(done)](ErrorCode error, const tcp::endpoint&) mutable { done(error); });
  }
  // Both sides shake hands before anything else: void(ErrorCode).
  template <typename Done>
  void AsyncAcceptTls(TlsContextPtr context, Done done) {
    tls_ = std::make_unique<TlsStream>(tcp_, std::move(context));
    tls_->AsyncAccept(std::move(done));
  }
  template <typename Done>
  void AsyncConnectTls(TlsContextPtr context, const std::string& host, Done done) {
    tls_ = std::make_unique<TlsStream>(tcp_, std::move(context));
    tls_->AsyncConnect(host, std::move(done));
  }
  bool secure() const { return tls_ != nullptr; }

  template <typename Done>  // void(ErrorCode, size_t)
  void AsyncRead(std::span<char> room, Done done) {
    if (tls_) return tls_->AsyncRead(room, std::move(done));
    tcp_.async_read_some(asio::buffer(room.data(), room.size()), std::move(done));
  }
  template <typename Done>  // void(ErrorCode, size_t)
  void AsyncWrite(std::span<const asio::const_buffer> bytes, Done done) {
    if (tls_) return tls_->AsyncWrite(bytes, std::move(done));
    tcp_.async_write_some(bytes, std::move(done));
  }

  // Writes what the socket takes without waiting; 0 and no error when it takes nothing now, and
  // always over TLS, whose records must not be torn.
  size_t TryWrite(std::span<const asio::const_buffer> bytes, ErrorCode& error) {
    if (tls_) return 0;
    const size_t count = tcp_.write_some(bytes, error);
    if (error == asio::error::would_block) error = {};
    return count;
  }

  std::string Peer() const {  // "127.0.0.1:51234"; empty when it has left already
    ErrorCode error;
    const tcp::endpoint peer = tcp_.remote_endpoint(error);
    if (error) return {};
    const std::string host = peer.address().to_string();
    const std::string port = std::to_string(peer.port());
    return peer.address().is_v6() ? "[" + host + "]:" + port : host + ":" + port;
  }
  bool HasInput() {
    ErrorCode ignored;
    return tcp_.available(ignored) > 0;
  }
  // `owner` keeps the socket while the peer is told.
  template <typename Owner>
  void ShutdownSend(std::shared_ptr<Owner> owner) {
    if (tls_) return tls_->AsyncShutdown([owner](ErrorCode) {});
    ErrorCode ignored;
    tcp_.shutdown(tcp::socket::shutdown_send, ignored);
  }
  void ResetOnClose() {  // the peer then sees a failure instead of an end
    ErrorCode ignored;
    tcp_.set_option(tcp::socket::linger(true, 0), ignored);
  }
  void Cancel() {  // what is pending ends with an error
    ErrorCode ignored;
    tcp_.cancel(ignored);
  }
  void Close() {  // cancels what is pending
    ErrorCode ignored;
    tcp_.close(ignored);
  }

 private:
  tcp::socket tcp_;
  std::unique_ptr<TlsStream> tls_;
};

}  // namespace sarai::net
