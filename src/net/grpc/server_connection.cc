#include "net/grpc/server_connection.h"

#include <algorithm>
#include <exception>
#include <random>
#include <utility>

#include "base/log.h"

namespace sarai::net {
namespace {

constexpr int kResourceExhausted = 8, kUnimplemented = 12;
constexpr size_t kFirstReadBytes = 16 << 10, kMaxReadBytes = 256 << 10;
constexpr size_t kCollectBytes = 256 << 10;  // of frames made at a time
constexpr std::chrono::seconds kPrefacePatience{20}, kLingerPatience{2};
constexpr std::chrono::seconds kAnnounceTime{1};          // for a client that answers no ping
constexpr uint32_t kNoError = 0, kEnhanceYourCalm = 0xb;  // RFC 9113 §7
constexpr double kAgeJitter = 0.1;  // so that clients do not all come back at once

TimePoint Now() { return std::chrono::steady_clock::now(); }

TimePoint RetireAt(const GrpcServerOptions& options, TimePoint now) {
  if (options.max_connection_age.count() == 0) return TimePoint::max();
  std::minstd_rand random(std::random_device{}());
  const double factor = std::uniform_real_distribution(1 - kAgeJitter, 1 + kAgeJitter)(random);
  return now + std::chrono::duration_cast<Duration>(options.max_connection_age * factor);
}

// The encodings' names are those of HTTP; an unknown one has no value.
std::optional<http::ContentEncoding> EncodingOf(const http::Headers& headers) {
  const auto encoding = http::ParseContentEncoding(headers.Get("grpc-encoding"));
  if (!encoding) return std::nullopt;
  return *encoding;
}

http::ContentEncoding ResponseEncoding(const http::Headers& headers, GrpcCompression wanted) {
  if (wanted == GrpcCompression::kNone) return http::ContentEncoding::kIdentity;
  return http::PreferredEncoding(headers.Get("grpc-accept-encoding"));
}

// What the handler sees: without the fields that are the transport's.
GrpcMetadata MetadataOf(const http::Headers& headers) {
  GrpcMetadata metadata;
  for (const auto& [name, value] : headers.fields()) {
    if (name.starts_with("grpc-") || name == "content-type" || name == "te") continue;
    metadata.Add(name, IsBinaryField(name) ? DecodeBinaryField(value) : value);
  }
  return metadata;
}

GrpcCallHead HeadOf(Http2Request request, const std::string& peer, GrpcCompression compression) {
  GrpcCallHead head{
      .method = std::move(request.path),
      .peer = peer,
      .metadata = MetadataOf(request.headers),
      .request_encoding = EncodingOf(request.headers).value_or(http::ContentEncoding::kIdentity),
      .response_encoding = ResponseEncoding(request.headers, compression)};
  if (const auto timeout = ParseGrpcTimeout(request.headers.Get("grpc-timeout"))) {
    const TimePoint now = Now();
    if (*timeout < TimePoint::max() - now) head.deadline = now + *timeout;
  }
  return head;
}

}  // namespace

GrpcConnection::GrpcConnection(std::shared_ptr<ServerLoop> loop, tcp::socket socket,
                               std::shared_ptr<GrpcService> service)
    : loop_(std::move(loop)),
      service_(std::move(service)),
      socket_(std::move(socket)),
      peer_(socket_.Peer()),
      session_({}, *this),
      keepalive_(service_->options, Now()),
      deadline_(loop_->loop().io(), *this),
      speak_by_(Now() + kPrefacePatience),
      retire_at_(RetireAt(service_->options, Now())),
      in_(kFirstReadBytes) {}

void GrpcConnection::Start() {
  deadline_.Set(speak_by_);
  const TlsContextPtr& tls = loop_->shared().tls;
  if (!tls) return Greet();
  socket_.AsyncAcceptTls(tls, [self = shared_from_this()](ErrorCode error) {
    if (!error) return self->Greet();
    LogDebug("net", "{} did not agree on TLS: {}", self->peer_, error.message());
    self->Close();
  });
}

void GrpcConnection::Greet() {
  if (closed_) return;
  greeted_ = true;
  Work();
  Read();
}

void GrpcConnection::BeginDrain() {
  if (!greeted_) return Close();
  Retire();
  Work();
}

// In two steps (RFC 9113 §6.8), a ping apart: a call that the client began before it heard of the
// first is not lost.
void GrpcConnection::Retire() {
  session_.AnnounceGoAway();
  session_.Ping();
  go_at_ = Now() + kAnnounceTime;
}

void GrpcConnection::Go() {
  go_at_ = TimePoint::max();
  session_.GoAway(kNoError, "the connection has been retired");
}

void GrpcConnection::OnPong() {
  keepalive_.OnPong();
  if (go_at_ != TimePoint::max()) Go();
}

void GrpcConnection::Close() {
  if (std::exchange(closed_, true)) return;
  socket_.Close();
  deadline_.Cancel();
  service_->calls -= static_cast<uint32_t>(calls_.size());
  arrived_.clear();
  ready_.clear();
  call_deadlines_.clear();
  const auto calls = std::exchange(calls_, {});
  const auto self = shared_from_this();
  loop_->Remove(self);
  for (const auto& [stream, call] : calls) call->OnClosed();
}

// ---- what the session says

GrpcServerCall* GrpcConnection::Find(int32_t stream) const {
  const auto found = calls_.find(stream);
  return found == calls_.end() ? nullptr : found->second.get();
}

void GrpcConnection::RefuseCall(int32_t stream, const GrpcStatus& status) {
  session_.RespondOnly(stream, {{":status", "200"},
                                {"content-type", "application/grpc"},
                                {"grpc-accept-encoding", "identity,deflate,gzip"},
                                {"grpc-status", std::to_string(status.code)},
                                {"grpc-message", PercentEncodeStatus(status.message)}});
}

void GrpcConnection::OnRequest(int32_t stream, Http2Request request) {
  const GrpcServerOptions& options = service_->options;
  if (request.method != "POST") return session_.RespondOnly(stream, {{":status", "405"}});
  if (!request.headers.Get("content-type").starts_with("application/grpc"))
    return session_.RespondOnly(stream, {{":status", "415"}});
  if (request.too_large)
    return RefuseCall(stream, {kResourceExhausted, "the call's metadata is too large"});
  if (!EncodingOf(request.headers))
    return RefuseCall(stream, {kUnimplemented,
                               fmt::format("grpc-encoding '{}' is not supported: gzip, deflate and "
                                           "identity are",
                                           request.headers.Get("grpc-encoding"))});
  if (service_->calls >= options.max_calls)
    return RefuseCall(
        stream, {kResourceExhausted, fmt::format("more than {} calls at once", options.max_calls)});
  ++service_->calls;
  auto call = std::make_shared<GrpcServerCall>(
      shared_from_this(), stream, HeadOf(std::move(request), peer_, options.response_compression),
      options);
  if (call->head().deadline != TimePoint::max())
    call_deadlines_.emplace(call->head().deadline, stream);
  calls_.emplace(stream, call);
  arrived_.push_back(std::move(call));
}

void GrpcConnection::OnData(int32_t stream, std::span<const std::byte> bytes) {
  if (GrpcServerCall* const call = Find(stream)) return call->OnData(bytes);
  session_.Consumed(stream, bytes.size());  // of a call that was refused
}

void GrpcConnection::OnRequestEnd(int32_t stream) {
  if (GrpcServerCall* const call = Find(stream)) call->OnRequestEnd();
}

void GrpcConnection::OnSent(int32_t stream, size_t bytes) {
  keepalive_.OnDataSent();
  if (GrpcServerCall* const call = Find(stream)) call->OnSent(bytes);
}

void GrpcConnection::OnClosed(int32_t stream) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  const std::shared_ptr<GrpcServerCall> call = std::move(found->second);
  calls_.erase(found);
  call_deadlines_.erase({call->head().deadline, stream});
  --service_->calls;
  call->OnClosed();
}

void GrpcConnection::OnPing() {
  if (keepalive_.OnClientPing(Now(), !calls_.empty())) return;
  session_.GoAway(kEnhanceYourCalm, "too_many_pings");
  leaving_ = true;
}

// ---- reading and writing

void GrpcConnection::Read() {
  socket_.AsyncRead(in_, [self = shared_from_this()](ErrorCode error, size_t count) {
    self->OnRead(error, count);
  });
}

void GrpcConnection::OnRead(ErrorCode error, size_t count) {
  if (closed_) return;
  if (error) return Close();
  if (lingering_) return Read();
  keepalive_.OnReceived(Now());
  speak_by_ = TimePoint::max();
  working_ = true;
  const Status status = session_.Receive(std::span(in_).first(count));
  working_ = false;
  Work();
  if (closed_) return;
  if (!status.ok()) {
    LogDebug("net", "gRPC client {}: {}", peer_, status.message());
    return Close();
  }
  if (count == in_.size() && in_.size() < kMaxReadBytes) in_.resize(in_.size() * 2);
  Read();
}

void GrpcConnection::Ready(std::shared_ptr<GrpcServerCall> call) {
  if (closed_) return;
  ready_.push_back(std::move(call));
  Work();
}

// All that can be done without waiting: handlers, answers, frames, the socket.
void GrpcConnection::Work() {
  if (working_) return;
  working_ = true;
  const auto self = shared_from_this();
  do {
    CallHandlers();
  } while (!closed_ && Write() && !(arrived_.empty() && ready_.empty()));
  working_ = false;
  if (closed_) return;
  if (!write_pending_ && (session_.finished() || leaving_)) Linger();
  SetDeadline();
}

// All has been said. A socket that is closed with bytes unread resets the connection, and the last
// answer may be lost with it: the client closes first, or time is up.
void GrpcConnection::Linger() {
  if (std::exchange(lingering_, true)) return;
  close_at_ = std::min(close_at_, Now() + kLingerPatience);
  socket_.ShutdownSend(shared_from_this());
}

void GrpcConnection::CallHandlers() {
  while (!closed_ && !(arrived_.empty() && ready_.empty())) {
    for (auto& call : std::exchange(arrived_, {})) {
      // Exceptions stop here: the handle unwinds with the handler and ends the call.
      try {
        service_->handler(std::make_shared<GrpcCallHandle>(call));
      } catch (const std::exception& e) {
        LogError("net", "exception in a call's handler: {}", e.what());
      }
    }
    for (const auto& call : std::exchange(ready_, {})) {
      try {
        call->Advance(session_);
      } catch (const std::exception& e) {
        LogError("net", "exception in a call's callback: {}", e.what());
      }
    }
  }
}

// False: the connection has closed.
bool GrpcConnection::Write() {
  while (!write_pending_) {
    if (out_.empty() && !session_.Collect(out_, kCollectBytes).ok()) {
      Close();
      return false;
    }
    if (out_.empty()) return true;
    ErrorCode error;
    out_.Consume(socket_.TryWrite(out_.Front(), error));
    if (error) {
      Close();
      return false;
    }
    if (out_.empty()) continue;
    write_pending_ = true;
    socket_.AsyncWrite(out_.Front(), [self = shared_from_this()](ErrorCode failure, size_t count) {
      self->OnWritten(failure, count);
    });
  }
  return true;
}

void GrpcConnection::OnWritten(ErrorCode error, size_t count) {
  write_pending_ = false;
  if (closed_) return;
  if (error) return Close();
  out_.Consume(count);
  Work();
}

// ---- time

void GrpcConnection::SetDeadline() {
  TimePoint next = std::min({keepalive_.NextCheck(), speak_by_, retire_at_, go_at_, close_at_});
  if (!call_deadlines_.empty()) next = std::min(next, call_deadlines_.begin()->first);
  deadline_.Set(next);
}

void GrpcConnection::OnDeadline() {
  const TimePoint now = Now();
  if (now >= std::min(close_at_, speak_by_)) return Close();
  working_ = true;
  ExpireCalls(now);
  if (now >= retire_at_) {
    Retire();
    retire_at_ = TimePoint::max();
    const Duration grace = service_->options.max_connection_age_grace;
    if (grace.count() > 0) close_at_ = now + grace;
  }
  if (now >= go_at_) Go();
  const Keepalive::Action action = keepalive_.Check(now, !calls_.empty());
  working_ = false;
  if (action == Keepalive::Action::kGiveUp) return Close();
  if (action == Keepalive::Action::kPing) session_.Ping();
  Work();
}

void GrpcConnection::ExpireCalls(TimePoint now) {
  while (!call_deadlines_.empty() && call_deadlines_.begin()->first <= now) {
    const int32_t stream = call_deadlines_.begin()->second;
    call_deadlines_.erase(call_deadlines_.begin());
    if (GrpcServerCall* const call = Find(stream)) call->OnDeadline();
  }
}

}  // namespace sarai::net
