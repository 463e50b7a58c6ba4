#include "net/internal/server_connection.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "base/log.h"
#include "net/internal/response_ticket.h"

namespace sarai::net {
namespace {

constexpr size_t kReadBytes = 16 << 10;       // first size of a connection's read buffer
constexpr size_t kChunkBytes = 64 << 10;      // read at once of a chunked body
constexpr size_t kReadAheadBytes = 16 << 10;  // of the requests behind the one being handled

TimePoint Now() { return std::chrono::steady_clock::now(); }

// "http://host/path?x" -> "/path?x"; origin form and "*" stay. Empty: neither.
void ReduceToOriginForm(std::string& target) {
  if (target.starts_with('/') || target == "*") return;
  const size_t scheme = target.find("://");
  if (scheme == std::string::npos || target.find_first_of("/?") < scheme) return target.clear();
  target.erase(0, std::min(target.size(), target.find_first_of("/?", scheme + 3)));
  if (!target.starts_with('/')) target.insert(0, "/");
}

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerLoop> service, tcp::socket socket,
                                   std::shared_ptr<const Handler> handler)
    : service_(std::move(service)),
      handler_(std::move(handler)),
      socket_(std::move(socket)),
      peer_(socket_.Peer()),
      deadline_(service_->loop().io(), *this),
      in_(kReadBytes, std::max<size_t>(service_->shared().options.max_header_bytes, kChunkBytes) +
                          kReadBytes) {}

void ServerConnection::Start() {
  const TlsContextPtr& tls = service_->shared().tls;
  if (!tls) return Advance();
  state_ = State::kHandshake;
  deadline_.Set(Now() + service_->shared().options.read_timeout);
  socket_.AsyncAcceptTls(
      tls, [self = shared_from_this()](ErrorCode error) { self->OnHandshake(error); });
}

void ServerConnection::OnHandshake(ErrorCode error) {
  if (state_ == State::kClosed) return;
  if (error) {
    LogDebug("net", "{} did not agree on TLS: {}", peer_, error.message());
    return Close();
  }
  state_ = State::kIdle;
  Advance();
}

void ServerConnection::Advance() {
  if (advancing_) return;
  advancing_ = true;
  while (Step()) {
  }
  advancing_ = false;
}

bool ServerConnection::Step() {
  switch (state_) {
    case State::kIdle:
    case State::kHeader: return StepHeader();
    case State::kSizedBody: return StepSizedBody();
    case State::kChunkedBody: return StepChunkedBody();
    case State::kContinue:
    case State::kWriting: return StepWrite();
    case State::kLingering: return StepLinger();
    case State::kHandling: return StepHandling();
    case State::kHandshake:
    case State::kClosed: return false;
  }
  return false;
}

bool ServerConnection::StepHeader() {
  // Some clients end a body with an empty line; RFC 9112 §2.2 lets the server pass over it.
  while (state_ == State::kIdle && in_.data().starts_with("\r\n")) in_.Consume(2);
  if (state_ == State::kIdle) {
    if (in_.empty() || in_.data() == "\r") {
      deadline_.Set(Now() + service_->shared().options.idle_timeout);
      return ReadIntoBuffer(1);
    }
    StartRequest();
  }
  ErrorCode error;
  in_.Consume(parser_->Parse(in_.data(), error));
  if (error == beast_http::error::need_more) return ReadIntoBuffer(1);
  if (error) return RefuseUnparsable(error);
  return StartBody();
}

void ServerConnection::StartRequest() {
  const ServerOptions& options = service_->shared().options;
  state_ = State::kHeader;
  deadline_.Set(Now() + options.read_timeout);
  parser_.emplace(ParserLimits{options.max_header_bytes, options.max_body_bytes});
  keep_alive_ = true;
  request_read_ = false;
  is_head_ = false;
  version_ = 11;
}

std::optional<ServerConnection::Refusal> ServerConnection::FindFault() const {
  const RequestParser& request = *parser_;
  if (request.unknown_transfer_encoding)
    return Refusal{501, "only the transfer encoding 'chunked' is supported"};
  if (request.version < 11 && request.chunked())
    return Refusal{400, "HTTP/1.0 knows no transfer encoding"};
  if (request.version >= 11 && request.host_fields != 1)
    return Refusal{400, "an HTTP/1.1 request has exactly one Host"};
  if (request.unknown_expectation) return Refusal{417, "only '100-continue' can be expected"};
  if (request.target.empty()) return Refusal{400, "the request target must be a path"};
  return std::nullopt;
}

bool ServerConnection::StartBody() {
  ReduceToOriginForm(parser_->target);
  keep_alive_ = parser_->keep_alive();
  version_ = parser_->version;
  is_head_ = parser_->method == "HEAD";
  if (const auto fault = FindFault()) return Refuse(*fault);

  state_ = State::kChunkedBody;
  if (parser_->HasSizedBody()) {
    body_bytes_ = *parser_->content_length();
    state_ = State::kSizedBody;
  }
  const bool client_waits =
      parser_->expects_continue && version_ >= 11 && in_.empty() && !parser_->is_done();
  if (!client_waits) return true;
  out_.StartHead() = "HTTP/1.1 100 Continue\r\n\r\n";
  out_.Seal({});
  tried_write_ = false;
  state_ = State::kContinue;
  return true;
}

bool ServerConnection::StepSizedBody() {
  const size_t there = std::min<uint64_t>(in_.size(), body_bytes_ - parser_->body.size());
  if (!parser_->body.Append(in_.data().substr(0, there)))
    return Refuse({503, "no memory for the request's body"});
  in_.Consume(there);
  if (parser_->body.size() < body_bytes_) return ReadIntoBody();
  Dispatch();
  return true;
}

bool ServerConnection::StepChunkedBody() {
  ErrorCode error;
  while (!parser_->is_done() && !in_.empty() && !error)
    in_.Consume(parser_->Parse(in_.data(), error));
  if (error && error != beast_http::error::need_more) return RefuseUnparsable(error);
  if (!parser_->is_done()) return ReadIntoBuffer(kChunkBytes);
  Dispatch();
  return true;
}

void ServerConnection::Dispatch() {
  http::Request request{.method = std::move(parser_->method),
                        .target = std::move(parser_->target),
                        .headers = std::move(parser_->headers),
                        .body = parser_->body.Release(),
                        .peer = peer_,
                        .cancellation = std::make_shared<Cancellation>()};
  cancellation_ = request.cancellation;
  if (client_ended_) cancellation_->Cancel();
  parser_.reset();
  request_read_ = true;
  deadline_.Clear();
  state_ = State::kHandling;
  CallHandler(std::move(request));
}

void ServerConnection::CallHandler(http::Request request) {
  // Exceptions stop here: the responder unwinds with the handler and answers 500.
  try {
    (*handler_)(std::move(request), ResponseTicket(shared_from_this()));
  } catch (const std::exception& e) {
    LogError("net", "exception in a request's handler: {}", e.what());
  }
}

bool ServerConnection::StepHandling() {
  WatchClient();
  return false;
}

void ServerConnection::WatchClient() {
  if (!client_ended_ && in_.size() < kReadAheadBytes) ReadIntoBuffer(1);
}

void ServerConnection::BeginDrain() {
  const bool idle = state_ == State::kIdle && in_.empty() && !socket_.HasInput();
  if (idle || state_ == State::kHandshake) Close();
}

void ServerConnection::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  socket_.Close();
  deadline_.Cancel();
  parser_.reset();
  const http::Response response = std::exchange(response_, {});
  const CancellationPtr cancellation = std::move(cancellation_);
  service_->Remove(shared_from_this());
  if (response.stream) response.stream->Abandon();
  if (cancellation) cancellation->Cancel();
}

void ServerConnection::OnDeadline() {
  const bool reading =
      state_ == State::kHeader || state_ == State::kSizedBody || state_ == State::kChunkedBody;
  if (!reading) return Close();
  timed_out_ = true;
  socket_.Cancel();  // the pending read ends now, and OnRead goes on from there
}

bool ServerConnection::MayRead() {
  if (!read_pending_ && client_ended_) Close();  // asio tells of a stream's end only once
  return !read_pending_ && !client_ended_;
}

bool ServerConnection::ReadIntoBuffer(size_t wanted) {
  if (!MayRead()) return false;
  const auto room = in_.Lend(wanted);
  if (room.empty()) return Refuse({400, "a line of the chunked body is too long"});
  read_pending_ = true;
  socket_.AsyncRead(room, [self = shared_from_this()](ErrorCode error, size_t count) {
    self->in_.Commit(count);
    self->OnRead(error);
  });
  return false;
}

bool ServerConnection::ReadIntoBody() {
  if (!MayRead()) return false;  // one into the buffer, from when the request before was handled
  const auto room = parser_->body.Prepare(body_bytes_);
  if (room.empty()) return Refuse({503, "no memory for the request's body"});
  read_pending_ = true;
  socket_.AsyncRead(room, [self = shared_from_this()](ErrorCode error, size_t count) {
    if (!error && self->parser_) self->parser_->body.Commit(count);
    self->OnRead(error);
  });
  return false;
}

void ServerConnection::OnRead(ErrorCode error) {
  read_pending_ = false;
  if (state_ == State::kClosed) return;
  if (state_ == State::kHandling || state_ == State::kWriting) return OnReadWhileAnswering(error);
  if (std::exchange(timed_out_, false)) {
    Refuse({408, "the request did not arrive in time"});
  } else if (error) {
    return Close();
  }
  Advance();
}

void ServerConnection::OnReadWhileAnswering(ErrorCode error) {
  if (!error) {  // a request that must wait
    if (!write_pending_) Advance();
    return;
  }
  const bool makes_body = response_.stream && !stream_ended_;
  if (error != asio::error::eof || makes_body) return Close();
  // It may still read: if there comes an answer all the same, it is sent.
  client_ended_ = true;
  if (const CancellationPtr cancellation = cancellation_) cancellation->Cancel();
}

}  // namespace sarai::net
