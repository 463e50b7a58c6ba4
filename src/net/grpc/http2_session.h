// One HTTP/2 connection from the server's side, without its socket: received bytes become events,
// answers become bytes to send.
// Source: RFC 9113; the protocol itself is nghttp2's work.
//
// Threads: one. The listener's calls come from inside Receive and Collect and may submit answers,
// but must not call these two.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/status.h"
#include "net/grpc/message.h"
#include "net/grpc/outgoing_bytes.h"

struct nghttp2_session;

namespace sarai::net {

struct Http2Request {
  std::string method, path;
  http::Headers headers;   // without pseudo-header fields; names in lower case
  bool too_large = false;  // fields beyond Http2Limits::max_header_bytes were dropped
};

using Http2Fields = std::vector<std::pair<std::string, std::string>>;

struct Http2Limits {
  uint32_t max_header_bytes = 16 << 10;         // of one request
  uint32_t max_frame_bytes = 1 << 20;           // that a client may send
  int32_t stream_window_bytes = 4 << 20;        // received and not consumed, of one stream
  int32_t connection_window_bytes = 256 << 20;  // the streams bound themselves
};

class Http2Session {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnRequest(int32_t stream, Http2Request request) = 0;
    virtual void OnData(int32_t stream, std::span<const std::byte> bytes) = 0;
    virtual void OnRequestEnd(int32_t stream) = 0;  // the client sends no more on it
    // Some of the answer's body has gone into frames.
    virtual void OnSent(int32_t stream, size_t bytes) = 0;
    virtual void OnClosed(int32_t stream) = 0;  // last; also for requests that never came whole
    virtual void OnPing() = 0;
    virtual void OnPong() = 0;
  };

  Http2Session(const Http2Limits& limits, Listener& listener);
  ~Http2Session();
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  // Errors: kInvalidArgument, the peer does not speak HTTP/2; what Collect gives then is the last.
  Status Receive(std::span<const char> bytes);
  // Appends frames to `out` until it holds `enough` bytes or there are none.
  Status Collect(OutgoingBytes& out, size_t enough);

  // An answer: its head, parts of a body, the trailers that end it. All of a stream that has closed
  // are ignored.
  void Respond(int32_t stream, const Http2Fields& head);
  void Send(int32_t stream, GrpcMessage parts);
  void End(int32_t stream, Http2Fields trailers);
  // An answer without a body.
  void RespondOnly(int32_t stream, const Http2Fields& head);

  // The client may send as many bytes more on this stream.
  void Consumed(int32_t stream, size_t bytes);
  void Ping();
  // Asks the client to begin no more streams; those that are on their way are still taken.
  void AnnounceGoAway();
  // Takes no new streams; those under way go on.
  void GoAway(uint32_t error_code, std::string_view text);
  // Nothing will be received or sent any more.
  bool finished() const;

 private:
  struct Stream;
  struct Callbacks;  // nghttp2's, in the source file
  Stream* Find(int32_t stream) const;

  const Http2Limits limits_;
  Listener& listener_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, std::unique_ptr<Stream>> streams_;
  OutgoingBytes* out_ = nullptr;  // during Collect
};

}  // namespace sarai::net
