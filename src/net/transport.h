// Seam 3 of 6: sending an HTTP request to a peer and getting its answer.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "wire/http/message.h"

namespace sarai::net {

class EventLoops;

struct SendOptions {
  std::chrono::milliseconds connect_timeout{2000};
  std::chrono::milliseconds timeout{60000};  // from the call to the last byte of the answer
  uint64_t max_response_bytes = 1ull << 30;
  // Answer as soon as the head is in: the body then comes through Response::stream, which ends with
  // a failure when the connection breaks. `timeout` is then the longest pause between two parts.
  bool stream = false;
  CancellationPtr cancellation;  // closes the connection: kCancelled
};

struct SendError {
  Status status;  // kUnavailable (no connection, broken), kDeadlineExceeded, …
  // True when the peer can not have begun to answer: the request may be sent elsewhere.
  bool no_byte_received = true;
};

using SendCallback = std::move_only_function<void(std::expected<http::Response, SendError>)>;

class Transport {
 public:
  virtual ~Transport() = default;
  // `address` is "host:port", or "https://host:port" for TLS. The callback is called exactly once,
  // from any thread.
  virtual void Send(std::string address, http::Request request, SendOptions options,
                    SendCallback done) = 0;
};

// Kept-alive connections, a bounded pool per peer and loop, on the given loops. When called on one
// of the loops' threads, the request stays on that thread. A kept-alive connection that turns out
// to be closed before a byte was sent back is retried once on a fresh one. `idle_timeout` should
// be shorter than the peers'. When the transport is destroyed or the loops stop, the requests in
// flight end with kUnavailable.
std::unique_ptr<Transport> MakeHttpTransport(
    EventLoops& loops, size_t max_idle_per_peer = 64,
    std::chrono::milliseconds idle_timeout = std::chrono::seconds(30));

// PEM files. The peer must prove its name or address by a certificate of the authority.
struct ClientTlsOptions {
  std::string authority_file;              // empty = the system's
  std::string certificate_file, key_file;  // shown to peers that ask; empty = none
};
// The same with TLS to the peers that want it; errors name the file.
Result<std::unique_ptr<Transport>> MakeHttpsTransport(
    EventLoops& loops, const ClientTlsOptions& tls, size_t max_idle_per_peer = 64,
    std::chrono::milliseconds idle_timeout = std::chrono::seconds(30));

// Blocking call for places that own a thread: the CLI, a strand. Refused on an event loop.
std::expected<http::Response, SendError> SendAndWait(Transport& transport, std::string address,
                                                     http::Request request, SendOptions options);

}  // namespace sarai::net
