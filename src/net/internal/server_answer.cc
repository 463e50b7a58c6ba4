// The half of ServerConnection that answers.
#include <utility>

#include <boost/beast/http/error.hpp>

#include "base/log.h"
#include "net/internal/heads.h"
#include "net/internal/server_connection.h"

namespace sarai::net {
namespace {

constexpr size_t kLingerBytes = 16 << 10;        // read and dropped at once
constexpr size_t kStreamBatchBytes = 256 << 10;  // taken at once of a body that is being made
constexpr size_t kStreamBatchParts = 64;
constexpr std::chrono::seconds kLinger{2};  // how long a client may take to hear a refusal

TimePoint Now() { return std::chrono::steady_clock::now(); }

bool IsContentLengthFault(ErrorCode error) {
  return error == beast_http::error::bad_content_length ||
         error == beast_http::error::multiple_content_length;
}

}  // namespace

void ServerConnection::Respond(http::Response response) {
  if (state_ != State::kHandling) {  // the client or the server has left
    if (response.stream) response.stream->Abandon();
    return;
  }
  StartResponse(std::move(response));
  Advance();
}

bool ServerConnection::Refuse(Refusal refusal) {
  keep_alive_ = false;
  StartResponse(ErrorResponse(refusal.status, refusal.message));
  return true;
}

bool ServerConnection::RefuseUnparsable(ErrorCode error) {
  if (error == beast_http::error::header_limit)
    return Refuse({431, "the request's header is larger than this server takes"});
  if (error == beast_http::error::body_limit)
    return Refuse({413, "the request's body is larger than this server takes"});
  if (error == beast_http::error::bad_version) return Refuse({505, "HTTP/1.1 and 1.0 only"});
  if (error == boost::system::errc::not_enough_memory)
    return Refuse({503, "no memory for the request's body"});
  if (IsContentLengthFault(error)) return Refuse({400, "the Content-Length is wrong"});
  return Refuse({400, "this is no HTTP/1.1 request: " + error.message()});
}

void ServerConnection::StartResponse(http::Response response) {
  response_ = std::move(response);
  const bool until_close = response_.stream && version_ < 11;
  keep_alive_ = KeepsAlive() && !until_close;
  std::string& head = out_.StartHead();
  AppendResponseHead(head, response_,
                     {.request_version = version_,
                      .keep_alive = keep_alive_,
                      .chunked = response_.stream && !until_close,
                      .until_close = until_close,
                      .server_name = service_->shared().options.server_name,
                      .date = loop().HttpDate()});
  const bool with_body = !is_head_ && StatusHasBody(response_.status);
  if (response_.stream && !with_body) std::exchange(response_.stream, nullptr)->Abandon();
  if (response_.stream) {
    StartStream(head);
  } else {
    out_.Seal(with_body ? std::span<const Blob>(response_.body) : std::span<const Blob>());
  }
  tried_write_ = false;
  state_ = State::kWriting;
}

// What is there already leaves with the head.
void ServerConnection::StartStream(std::string& head) {
  stream_ended_ = false;
  stream_failure_ = {};
  TakeFromStream();
  SealStream(head);
}

// Appends to response_.body; false: there is nothing yet, and OnMoreInStream will be called.
bool ServerConnection::TakeFromStream() {
  size_t bytes = 0;
  for (size_t parts = 0; parts < kStreamBatchParts && bytes < kStreamBatchBytes; ++parts) {
    auto chunk = response_.stream->Read([self = shared_from_this()] {
      Task more = [self] { self->OnMoreInStream(); };
      self->loop().Post(more);
    });
    stream_ended_ = chunk.ended;
    if (chunk.ended) stream_failure_ = std::move(chunk.failure);
    if (chunk.ended || chunk.part.empty()) return chunk.ended || bytes > 0;
    bytes += chunk.part.size();
    response_.body.push_back(std::move(chunk.part));
  }
  return true;
}

// The parts at hand as one chunk, and the last one behind it if this is all.
void ServerConnection::SealStream(std::string& head) {
  if (version_ < 11) return out_.Seal(response_.body);
  const uint64_t bytes = BodyBytes(response_);
  const bool last = stream_ended_ && stream_failure_.ok();
  if (bytes > 0) AppendChunkSize(head, bytes);
  std::string_view tail = last ? "\r\n0\r\n\r\n" : "\r\n";
  if (bytes == 0) tail = last ? "0\r\n\r\n" : "";
  out_.Seal(response_.body, tail);
}

void ServerConnection::OnMoreInStream() {
  if (state_ != State::kWriting || write_pending_ || !response_.stream) return;
  tried_write_ = false;
  Advance();
}

bool ServerConnection::KeepsAlive() const {
  return keep_alive_ && request_read_ && !service_->shared().draining;
}

bool ServerConnection::StepWrite() {
  if (write_pending_) return false;
  // The first try is direct: small answers leave without a turn of the loop. Large ones take turns
  // with the loop's other connections.
  if (!out_.done() && !std::exchange(tried_write_, true)) {
    ErrorCode error;
    out_.Consume(socket_.TryWrite(out_.pending(), error));
    if (error) {
      Close();
      return false;
    }
  }
  if (!out_.done()) return WritePending();
  if (state_ == State::kContinue) {
    state_ = parser_->chunked() ? State::kChunkedBody : State::kSizedBody;
    return true;
  }
  if (response_.stream) return StepStream();
  FinishResponse();
  return true;
}

// All that was taken of the body has left.
bool ServerConnection::StepStream() {
  if (stream_ended_) {
    stream_failure_.ok() ? FinishResponse() : CutStream();
    return true;
  }
  response_.body.clear();
  if (TakeFromStream()) {
    SealStream(out_.StartHead());
    return true;
  }
  deadline_.Clear();  // how long the next part may take is not ours to say
  WatchClient();
  return false;
}

// The client must not take what it got for the whole.
void ServerConnection::CutStream() {
  LogDebug("net", "an answer was cut off: {}", stream_failure_.ToString());
  // There a proper end would say that this was all; TLS has a word of its own for that.
  if (version_ < 11) socket_.ResetOnClose();
  cancellation_.reset();
  Close();
}

void ServerConnection::FinishResponse() {
  response_ = {};
  cancellation_.reset();
  parser_.reset();
  if (KeepsAlive()) {
    state_ = State::kIdle;
  } else if (!socket_.secure() && request_read_ && in_.empty() && !socket_.HasInput()) {
    Close();
  } else {
    StartLingering();
  }
}

void ServerConnection::StartLingering() {
  // Closing while the client sends would reset the connection and could destroy the answer; and a
  // TLS connection's end must be said.
  socket_.ShutdownSend(shared_from_this());
  deadline_.Set(Now() + kLinger);
  state_ = State::kLingering;
}

bool ServerConnection::StepLinger() {
  in_.Consume(in_.size());
  return ReadIntoBuffer(kLingerBytes);
}

bool ServerConnection::WritePending() {
  // Renewed with every piece that leaves: it bounds a standstill, not a large answer.
  deadline_.Set(Now() + service_->shared().options.write_timeout);
  write_pending_ = true;
  socket_.AsyncWrite(out_.pending(), [self = shared_from_this()](ErrorCode error, size_t count) {
    self->OnWritten(error, count);
  });
  return false;
}

void ServerConnection::OnWritten(ErrorCode error, size_t count) {
  write_pending_ = false;
  if (state_ == State::kClosed) return;
  if (error) return Close();
  out_.Consume(count);
  Advance();
}

}  // namespace sarai::net
