#include "net/internal/server_connection.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <boost/beast/http/error.hpp>

#include "base/log.h"
#include "net/internal/heads.h"

namespace sarai::net {
namespace {

constexpr size_t kReadBytes = 16 << 10;     // first size of a connection's read buffer
constexpr size_t kChunkBytes = 64 << 10;    // read at once of a chunked body
constexpr std::chrono::seconds kLinger{2};  // how long a client may take to hear a refusal

TimePoint Now() { return std::chrono::steady_clock::now(); }

// The responder that the handler gets. Whoever drops it unused answers 500.
class ResponseTicket {
 public:
  explicit ResponseTicket(std::shared_ptr<ServerConnection> connection)
      : connection_(std::move(connection)) {}
  ResponseTicket(ResponseTicket&&) noexcept = default;
  ResponseTicket& operator=(ResponseTicket&&) = delete;
  ~ResponseTicket() {
    if (connection_) Deliver(ErrorResponse(500, "the request was dropped without an answer"));
  }

  void operator()(http::Response response) {
    if (connection_) Deliver(std::move(response));
  }

 private:
  void Deliver(http::Response response) {
    const std::shared_ptr<ServerConnection> connection = std::move(connection_);
    if (connection->loop().OnThread()) return connection->Respond(std::move(response));
    Task respond = [connection, response = std::move(response)]() mutable {
      connection->Respond(std::move(response));
    };
    connection->loop().Post(respond);  // a stopped loop has closed the connection
  }

  std::shared_ptr<ServerConnection> connection_;
};

bool IsContentLengthFault(ErrorCode error) {
  return error == beast_http::error::bad_content_length ||
         error == beast_http::error::multiple_content_length;
}

// "http://host/path?x" -> "/path?x"; origin form and "*" stay. Empty: neither.
std::string OriginForm(std::string target) {
  if (target.starts_with('/') || target == "*") return target;
  const size_t scheme = target.find("://");
  if (scheme == std::string::npos || target.find_first_of("/?") < scheme) return {};
  const size_t path = target.find_first_of("/?", scheme + 3);
  if (path == std::string::npos) return "/";
  return target[path] == '/' ? target.substr(path) : "/" + target.substr(path);
}

}  // namespace

ServerConnection::ServerConnection(std::shared_ptr<ServerLoop> service, tcp::socket socket)
    : service_(std::move(service)),
      socket_(std::move(socket)),
      deadline_(service_->loop().io(), *this),
      in_(kReadBytes, std::max<size_t>(service_->shared().options.max_header_bytes, kChunkBytes) +
                          kReadBytes) {}

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
    case State::kHandling:
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
  parser_->target = OriginForm(std::move(parser_->target));
  keep_alive_ = parser_->keep_alive();
  version_ = parser_->version;
  is_head_ = parser_->method == "HEAD";
  if (const auto fault = FindFault()) return Refuse(*fault);

  state_ = State::kChunkedBody;
  if (parser_->HasSizedBody()) {
    body_bytes_ = *parser_->content_length();
    const size_t there = std::min<uint64_t>(in_.size(), body_bytes_);
    if (!parser_->body.Append(in_.data().substr(0, there)))
      return Refuse({503, "no memory for the request's body"});
    in_.Consume(there);
    state_ = State::kSizedBody;
  }
  const bool client_waits = parser_->expects_continue && version_ >= 11 && in_.empty() &&
                            parser_->body.size() == 0 && !parser_->is_done();
  if (!client_waits) return true;
  out_.StartHead() = "HTTP/1.1 100 Continue\r\n\r\n";
  out_.Seal({}, false);
  tried_write_ = false;
  state_ = State::kContinue;
  return true;
}

bool ServerConnection::StepSizedBody() {
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
                        .body = parser_->body.Release()};
  parser_.reset();
  request_read_ = true;
  deadline_.Clear();
  state_ = State::kHandling;
  CallHandler(std::move(request));
}

void ServerConnection::CallHandler(http::Request request) {
  // Exceptions stop here: the responder unwinds with the handler and answers 500.
  try {
    service_->shared().handler(std::move(request), ResponseTicket(shared_from_this()));
  } catch (const std::exception& e) {
    LogError("net", "exception in a request's handler: {}", e.what());
  }
}

void ServerConnection::Respond(http::Response response) {
  if (state_ != State::kHandling) return;  // the client or the server has left
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
  keep_alive_ = KeepsAlive();
  AppendResponseHead(out_.StartHead(), response_,
                     {.request_version = version_,
                      .keep_alive = keep_alive_,
                      .server_name = service_->shared().options.server_name,
                      .date = loop().HttpDate()});
  out_.Seal(response_.body, !is_head_ && StatusHasBody(response_.status));
  tried_write_ = false;
  state_ = State::kWriting;
}

bool ServerConnection::KeepsAlive() const {
  return keep_alive_ && request_read_ && !service_->shared().draining;
}

bool ServerConnection::StepWrite() {
  // The first try is direct: small answers leave without a turn of the loop. Large ones take turns
  // with the loop's other connections.
  if (!tried_write_) {
    tried_write_ = true;
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
  FinishResponse();
  return true;
}

void ServerConnection::FinishResponse() {
  response_ = {};
  parser_.reset();
  if (KeepsAlive()) {
    state_ = State::kIdle;
  } else if (request_read_ && in_.empty() && !socket_.HasInput()) {
    Close();
  } else {
    StartLingering();
  }
}

void ServerConnection::StartLingering() {
  // Closing while the client sends would reset the connection and could destroy the answer.
  socket_.ShutdownSend();
  deadline_.Set(Now() + kLinger);
  state_ = State::kLingering;
}

bool ServerConnection::StepLinger() {
  in_.Consume(in_.size());
  return ReadIntoBuffer(kReadBytes);
}

void ServerConnection::BeginDrain() {
  if (state_ == State::kIdle && in_.empty() && !socket_.HasInput()) Close();
}

void ServerConnection::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  socket_.Close();
  deadline_.Cancel();
  parser_.reset();
  response_ = {};
  service_->Remove(shared_from_this());
}

void ServerConnection::OnDeadline() {
  const bool reading =
      state_ == State::kHeader || state_ == State::kSizedBody || state_ == State::kChunkedBody;
  if (!reading) return Close();
  timed_out_ = true;
  socket_.Cancel();  // the pending read ends now, and OnRead goes on from there
}

bool ServerConnection::ReadIntoBuffer(size_t wanted) {
  const auto room = in_.Prepare(wanted);
  if (room.empty()) return Refuse({400, "a line of the chunked body is too long"});
  socket_.AsyncRead(room, [self = shared_from_this()](ErrorCode error, size_t count) {
    if (!error) self->in_.Commit(count);
    self->OnRead(error);
  });
  return false;
}

bool ServerConnection::ReadIntoBody() {
  const auto room = parser_->body.Prepare(body_bytes_);
  if (room.empty()) return Refuse({503, "no memory for the request's body"});
  socket_.AsyncRead(room, [self = shared_from_this()](ErrorCode error, size_t count) {
    if (!error && self->parser_) self->parser_->body.Commit(count);
    self->OnRead(error);
  });
  return false;
}

void ServerConnection::OnRead(ErrorCode error) {
  if (state_ == State::kClosed) return;
  if (std::exchange(timed_out_, false)) {
    Refuse({408, "the request did not arrive in time"});
  } else if (error) {
    return Close();
  }
  Advance();
}

bool ServerConnection::WritePending() {
  // Renewed with every piece that leaves: it bounds a standstill, not a large answer.
  deadline_.Set(Now() + service_->shared().options.write_timeout);
  socket_.AsyncWrite(out_.pending(), [self = shared_from_this()](ErrorCode error, size_t count) {
    self->OnWritten(error, count);
  });
  return false;
}

void ServerConnection::OnWritten(ErrorCode error, size_t count) {
  if (state_ == State::kClosed) return;
  if (error) return Close();
  out_.Consume(count);
  Advance();
}

}  // namespace sarai::net
