#include "net/internal/client_connection.h"

#include <algorithm>
#include <utility>

#include <boost/beast/http/error.hpp>

#include "base/bytes.h"
#include "base/strings.h"
#include "net/internal/heads.h"

namespace sarai::net {
namespace {

constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kChunkBytes = 64 << 10;         // read at once of a body of unknown length
constexpr uint32_t kMaxHeaderBytes = 256 << 10;  // of a response
constexpr uint64_t kStreamAheadBytes = 1 << 20;  // of a streamed body, read before it is wanted
constexpr std::string_view kTlsScheme = "https://";

TimePoint Now() { return std::chrono::steady_clock::now(); }

struct HostAndPort {
  std::string host;
  std::string port;
};

// "host:port" or "[v6]:port".
std::optional<HostAndPort> SplitAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return std::nullopt;
  const auto number = ParseInt(std::string_view(address).substr(colon + 1));
  if (!number || *number < 1 || *number > 65535) return std::nullopt;
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return std::nullopt;
  return HostAndPort{std::move(host), address.substr(colon + 1)};
}

}  // namespace

ClientConnection::ClientConnection(std::shared_ptr<ClientPool> pool, std::string address)
    : pool_(std::move(pool)),
      address_(std::move(address)),
      tls_(address_.starts_with(kTlsScheme)),
      authority_(address_.substr(tls_ ? kTlsScheme.size() : 0)),
      socket_(pool_->loop().io()),
      deadline_(pool_->loop().io(), *this),
      in_(kReadBytes, kMaxHeaderBytes + kReadBytes) {}

std::move_only_function<void()> ClientConnection::Later(void (ClientConnection::*what)()) {
  return [pool = pool_, weak = weak_from_this(), number = exchange_number_, what] {
    Task task = [weak, number, what] {
      const auto self = weak.lock();
      if (self && self->exchange_ && self->exchange_number_ == number) (*self.*what)();
    };
    pool->loop().Post(task);
  };
}

void ClientConnection::Take(std::unique_ptr<Exchange> exchange) {
  exchange_ = std::move(exchange);
  ++exchange_number_;
  exchange_->ForgetCancellation();  // by the connection that it was sent on before
  if (const CancellationPtr& cancellation = exchange_->options.cancellation)
    exchange_->cancel_id = cancellation->OnCancel(Later(&ClientConnection::OnCancelled));
}

void ClientConnection::OnCancelled() {
  Fail(MakeStatus(Code::kCancelled, "the request to {} was cancelled", address_), Failure::kOther);
}

void ClientConnection::Connect(std::unique_ptr<Exchange> exchange) {
  Take(std::move(exchange));
  const auto where = SplitAddress(authority_);
  if (!where)
    return Fail(MakeStatus(Code::kInvalidArgument, "'{}' is no address: write HOST:PORT", address_),
                Failure::kOther);
  if (tls_ && !pool_->tls())
    return Fail(MakeStatus(Code::kInvalidArgument, "no TLS has been set up to reach {}", address_),
                Failure::kOther);
  host_ = where->host;
  deadline_.Set(std::min(exchange_->deadline, Now() + exchange_->options.connect_timeout));
  ErrorCode error;
  const auto literal = asio::ip::make_address(where->host, error);
  if (error) return ResolveName(where->host, where->port);
  ConnectTo({tcp::endpoint(literal, static_cast<uint16_t>(*ParseInt(where->port)))});
}

void ClientConnection::ResolveName(const std::string& host, const std::string& port) {
  auto resolver = std::make_shared<tcp::resolver>(pool_->loop().io());
  resolver->async_resolve(
      host, port,
      [self = shared_from_this(), resolver](ErrorCode error, tcp::resolver::results_type found) {
        if (self->state_ == State::kClosed) return;
        if (!error) return self->ConnectTo({found.begin(), found.end()});
        self->Fail(
            MakeStatus(Code::kUnavailable, "cannot find {}: {}", self->address_, error.message()),
            Failure::kOther);
      });
}

void ClientConnection::ConnectTo(const std::vector<tcp::endpoint>& peers) {
  socket_.AsyncConnect(peers,
                       [self = shared_from_this()](ErrorCode error) { self->OnConnected(error); });
}

void ClientConnection::OnConnected(ErrorCode error) {
  if (state_ == State::kClosed) return;
  if (error) return FailToConnect(error);
  socket_.Connected();
  tls_ ? ShakeHands() : Start();
}

void ClientConnection::ShakeHands() {
  socket_.AsyncConnectTls(pool_->tls(), host_, [self = shared_from_this()](ErrorCode error) {
    if (self->state_ == State::kClosed) return;
    error ? self->FailToConnect(error) : self->Start();
  });
}

void ClientConnection::FailToConnect(ErrorCode error) {
  Fail(MakeStatus(Code::kUnavailable, "cannot connect to {}: {}", address_, error.message()),
       Failure::kOther);
}

void ClientConnection::Start() {
  Begin();
  if (state_ != State::kClosed) Read();
}

void ClientConnection::Reuse(std::unique_ptr<Exchange> exchange) {
  Take(std::move(exchange));
  reused_ = true;
  Begin();
}

void ClientConnection::Begin() {
  state_ = State::kBusy;
  byte_received_ = false;
  deadline_.Set(exchange_->deadline);
  Status status = AppendRequestHead(out_.StartHead(), exchange_->request, authority_);
  if (!status.ok()) return Fail(std::move(status), Failure::kOther);
  out_.Seal({&exchange_->request.body, 1});
  parser_.reset();
  ErrorCode error;
  out_.Consume(socket_.TryWrite(out_.pending(), error));
  write_failed_ = static_cast<bool>(error);  // the pending read ends too, and tells what happened
  if (!write_failed_ && !out_.done()) Write();
}

void ClientConnection::Write() {
  write_pending_ = true;
  socket_.AsyncWrite(out_.pending(), [self = shared_from_this()](ErrorCode error, size_t count) {
    self->write_pending_ = false;
    if (self->state_ != State::kBusy) return;
    self->write_failed_ = static_cast<bool>(error);
    if (error) return;
    self->out_.Consume(count);
    if (!self->out_.done()) self->Write();
  });
}

std::span<char> ClientConnection::ReadRoom() {
  reads_body_ = body_bytes_ > 0;
  if (reads_body_) return parser_->body.Prepare(body_bytes_);
  const bool in_body = parser_ && parser_->is_header_done();
  return in_.Lend(in_body ? kChunkBytes : 1);
}

void ClientConnection::Read() {
  const auto room = ReadRoom();
  if (room.empty())
    return Fail(MakeStatus(Code::kResourceExhausted, "no room for the response of {}", address_),
                Failure::kOther);
  socket_.AsyncRead(room, [self = shared_from_this()](ErrorCode error, size_t count) {
    if (self->state_ != State::kClosed) self->OnRead(error, count);
  });
}

void ClientConnection::OnRead(ErrorCode error, size_t count) {
  if (error) return OnEndOfStream(error);
  if (state_ == State::kIdle) return Close();  // nothing was asked
  byte_received_ = true;
  if (exchange_->stream) deadline_.Set(Now() + exchange_->options.timeout);
  reads_body_ ? parser_->body.Commit(count) : in_.Commit(count);
  OnBytes();
}

void ClientConnection::OnEndOfStream(ErrorCode error) {
  if (state_ == State::kIdle) return Close();
  const bool ends_body =
      error == asio::error::eof && parser_ && parser_->is_header_done() && parser_->need_eof();
  if (ends_body) return Complete();
  Fail(MakeStatus(Code::kUnavailable, "{} closed the connection {}: {}", address_,
                  byte_received_ ? "in the middle of its response" : "without a response",
                  error.message()),
       Failure::kBroken);
}

void ClientConnection::OnBytes() {
  if (ParseResponse()) return Complete();
  if (state_ == State::kClosed) return;
  PassOnBody();
  if (!StreamLags()) Read();
}

bool ClientConnection::ParseResponse() {
  while (true) {
    if (!parser_) {
      parser_.emplace(ParserLimits{kMaxHeaderBytes, exchange_->options.max_response_bytes});
      parser_->skip(exchange_->request.method == "HEAD");
    }
    if (!parser_->is_header_done() && !ParseHeader()) return false;
    if (exchange_->options.stream && !exchange_->stream && parser_->status >= 200 && !StartStream())
      return false;
    if (!ParseBody()) return false;
    if (parser_->status >= 200) return true;
    parser_.reset();  // "100 Continue" and the like: the answer is still to come
  }
}

bool ClientConnection::ParseHeader() {
  ErrorCode error;
  in_.Consume(parser_->Parse(in_.data(), error));
  if (error) return Refuse(error);
  if (parser_->unknown_transfer_encoding || parser_->status == 101)
    return Refuse(beast_http::error::bad_transfer_encoding);
  if (!parser_->HasSizedBody() || exchange_->options.stream) return true;
  body_bytes_ = *parser_->content_length();
  const size_t there = std::min<uint64_t>(in_.size(), body_bytes_);
  if (!parser_->body.Append(in_.data().substr(0, there)))
    return Refuse(make_error_code(boost::system::errc::not_enough_memory));
  in_.Consume(there);
  return true;
}

bool ClientConnection::ParseBody() {
  if (body_bytes_ > 0) return parser_->body.size() == body_bytes_;
  ErrorCode error;
  while (!parser_->is_done() && !in_.empty() && !error)
    in_.Consume(parser_->Parse(in_.data(), error));
  return error ? Refuse(error) : parser_->is_done();
}

// False, and the exchange has failed unless more bytes will do.
bool ClientConnection::Refuse(ErrorCode error) {
  if (error == beast_http::error::need_more) return false;
  if (error == beast_http::error::body_limit || error == beast_http::error::header_limit) {
    Fail(MakeStatus(Code::kResourceExhausted, "the response of {} is larger than {}", address_,
                    FormatBytes(error == beast_http::error::body_limit
                                    ? exchange_->options.max_response_bytes
                                    : kMaxHeaderBytes)),
         Failure::kOther);
  } else {
    Fail(MakeStatus(Code::kUnavailable, "{} sent no valid HTTP response: {}", address_,
                    error.message()),
         Failure::kOther);
  }
  return false;
}

// Gives the caller the answer but for its body. False: which has ended the connection.
bool ClientConnection::StartStream() {
  exchange_->stream = std::make_shared<ByteStream>();
  http::Response response{.status = parser_->status,
                          .headers = std::move(parser_->headers),
                          .stream = exchange_->stream};
  deadline_.Set(Now() + exchange_->options.timeout);
  exchange_->stream->OnAbandoned(Later(&ClientConnection::OnCancelled));
  exchange_->Finish(std::move(response));
  return state_ != State::kClosed;
}

// What has been read of a streamed body.
void ClientConnection::PassOnBody() {
  if (exchange_->stream && parser_->body.size() > 0)
    exchange_->stream->Write(parser_->body.Release());
}

// True: its reader takes its time, and OnRoomInStream follows.
bool ClientConnection::StreamLags() {
  if (!exchange_->stream) return false;
  const bool lags =
      exchange_->stream->Lags(kStreamAheadBytes, Later(&ClientConnection::OnRoomInStream));
  if (lags) deadline_.Clear();
  return lags;
}

void ClientConnection::OnRoomInStream() {
  deadline_.Set(Now() + exchange_->options.timeout);
  Read();
}

void ClientConnection::Complete() {
  PassOnBody();
  const bool reusable = parser_->keep_alive() && out_.done() && !write_failed_ && in_.empty();
  http::Response response = TakeResponse();
  const auto exchange = std::move(exchange_);
  state_ = State::kIdle;
  if (reusable && pool_->Park(*this)) {
    deadline_.Set(Now() + pool_->limits().idle_timeout);
    Read();
  } else {
    Close();
  }
  exchange->ForgetCancellation();
  // Last: the caller may send again, on this connection.
  exchange->stream ? exchange->stream->End() : exchange->Finish(std::move(response));
}

http::Response ClientConnection::TakeResponse() {
  http::Response response{.status = parser_->status, .headers = std::move(parser_->headers)};
  if (parser_->body.size() > 0) response.body.push_back(parser_->body.Release());
  parser_.reset();
  body_bytes_ = 0;
  return response;
}

void ClientConnection::Fail(Status status, Failure failure) {
  auto exchange = std::move(exchange_);
  const bool no_byte = !byte_received_;
  const bool stale = reused_ && no_byte && failure == Failure::kBroken && !exchange->retried;
  Close();
  if (stale) {
    exchange->retried = true;
    return pool_->SendOnFreshConnection(std::move(exchange));
  }
  exchange->Fail(std::move(status), no_byte);
}

void ClientConnection::OnDeadline() {
  if (state_ == State::kIdle) return Close();
  if (exchange_->stream || Now() >= exchange_->deadline)
    return Fail(MakeStatus(Code::kDeadlineExceeded, "{} did not answer within {} ms", address_,
                           exchange_->options.timeout.count()),
                Failure::kOther);
  Fail(MakeStatus(Code::kUnavailable, "{} took no connection within {} ms", address_,
                  exchange_->options.connect_timeout.count()),
       Failure::kOther);
}

void ClientConnection::Stop() {
  if (state_ == State::kIdle) return Close();
  if (state_ == State::kClosed) return;
  Fail(Status(Code::kUnavailable, "the transport is stopping"), Failure::kOther);
}

void ClientConnection::Close() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  socket_.Close();
  deadline_.Cancel();
  parser_.reset();
  pool_->Remove(*this);
}

}  // namespace sarai::net
