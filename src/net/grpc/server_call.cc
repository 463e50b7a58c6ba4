#include "net/grpc/server_call.h"

#include <algorithm>
#include <utility>

#include "net/grpc/server_connection.h"

namespace sarai::net {
namespace {

constexpr int kDeadlineExceeded = 4, kInternal = 13;

uint64_t ByteCount(const GrpcMessage& message) {
  uint64_t count = 0;
  for (const Blob& part : message) count += part.size();
  return count;
}

Http2Fields ResponseHead(http::ContentEncoding encoding) {
  Http2Fields head = {{":status", "200"},
                      {"content-type", "application/grpc"},
                      {"grpc-accept-encoding", "identity,deflate,gzip"}};
  if (encoding != http::ContentEncoding::kIdentity)
    head.emplace_back("grpc-encoding", http::ContentEncodingName(encoding));
  return head;
}

}  // namespace

GrpcServerCall::GrpcServerCall(std::shared_ptr<GrpcConnection> connection, int32_t stream,
                               GrpcCallHead head, const GrpcServerOptions& options)
    : connection_(std::move(connection)),
      stream_(stream),
      head_(std::move(head)),
      max_unsent_bytes_(options.max_unsent_bytes),
      reader_(options.max_message_bytes, head_.request_encoding) {}

// ---- the handler's side

void GrpcServerCall::Schedule() {
  Loop& loop = connection_->loop();
  if (loop.OnThread()) return connection_->Ready(shared_from_this());
  if (posted_.exchange(true)) return;
  Task advance = [self = shared_from_this()] {
    self->posted_ = false;
    self->connection_->Ready(self);
  };
  (void)loop.Post(advance);  // a loop that has stopped has closed the call
}

void GrpcServerCall::Read(GrpcCall::OnMessage on_message) {
  {
    const std::lock_guard lock(mu_);
    if (!closed_) std::swap(on_message_, on_message);
  }
  if (on_message) return on_message(std::nullopt);
  Schedule();
}

bool GrpcServerCall::Enqueue(GrpcMessage message) {
  auto framed = FrameGrpcMessage(std::move(message), head_.response_encoding);
  if (!framed) {
    finished_ = true;
    status_ = {kInternal, framed.error().message()};
    return false;
  }
  unsent_bytes_ += ByteCount(*framed);
  unsent_.push_back(std::move(*framed));
  return true;
}

bool GrpcServerCall::Write(GrpcMessage message) {
  bool taken = false;
  {
    const std::lock_guard lock(mu_);
    if (closed_ || finished_) return false;
    if (unsent_bytes_ > 0 && unsent_bytes_ + ByteCount(message) > max_unsent_bytes_) return false;
    taken = Enqueue(std::move(message));
  }
  Schedule();
  return taken;
}

void GrpcServerCall::FinishWith(GrpcMessage message, GrpcMetadata trailing) {
  {
    const std::lock_guard lock(mu_);
    if (closed_ || std::exchange(finished_, true)) return;
    trailing_ = std::move(trailing);
    if (Enqueue(std::move(message))) status_ = GrpcStatus();
  }
  Schedule();
}

void GrpcServerCall::Finish(GrpcStatus status, GrpcMetadata trailing) {
  {
    const std::lock_guard lock(mu_);
    if (closed_ || std::exchange(finished_, true)) return;
    trailing_ = std::move(trailing);
    status_ = std::move(status);
  }
  Schedule();
}

// ---- the client's side

void GrpcServerCall::OnData(std::span<const std::byte> bytes) {
  unconsumed_bytes_ += bytes.size();
  GrpcStatus status = reader_.Read(bytes, received_);
  if (!status.ok()) Fail(std::move(status));
  Schedule();
}

void GrpcServerCall::OnRequestEnd() {
  request_ended_ = true;
  if (reader_.midway()) Fail({kInternal, "the request ends in the middle of a message"});
  Schedule();
}

void GrpcServerCall::OnSent(size_t bytes) {
  const std::lock_guard lock(mu_);
  unsent_bytes_ -= std::min<uint64_t>(unsent_bytes_, bytes);
}

void GrpcServerCall::OnDeadline() { Fail({kDeadlineExceeded, "Deadline Exceeded"}); }

// The call ends here, whatever the handler is doing; it is told so.
void GrpcServerCall::Fail(GrpcStatus status) {
  received_.clear();
  request_ended_ = true;
  Finish(std::move(status), {});
  cancellation_->Cancel();
}

void GrpcServerCall::OnClosed() {
  GrpcCall::OnMessage on_message;
  {
    const std::lock_guard lock(mu_);
    closed_ = true;
    on_message = std::exchange(on_message_, nullptr);
    unsent_.clear();
  }
  if (!end_sent_) cancellation_->Cancel();
  if (on_message) on_message(std::nullopt);
}

// ---- between them

void GrpcServerCall::Advance(Http2Session& session) {
  while (TakeMessage(session)) {
  }
  SendAnswers(session);
}

// A message is handed out when the handler asks for one. What lies behind it holds the client back:
// its bytes count as consumed only when they are next.
bool GrpcServerCall::TakeMessage(Http2Session& session) {
  GrpcCall::OnMessage on_message;
  if (!received_.empty() || request_ended_) {
    const std::lock_guard lock(mu_);
    on_message = std::exchange(on_message_, nullptr);
  }
  std::optional<Blob> message;
  if (on_message && !received_.empty()) {
    message = std::move(received_.front());
    received_.pop_front();
  }
  if (received_.empty() && unconsumed_bytes_ > 0)
    session.Consumed(stream_, std::exchange(unconsumed_bytes_, 0));
  if (!on_message) return false;
  on_message(std::move(message));
  return true;
}

void GrpcServerCall::SendAnswers(Http2Session& session) {
  std::deque<GrpcMessage> messages;
  std::optional<GrpcStatus> status;
  GrpcMetadata trailing;
  {
    const std::lock_guard lock(mu_);
    if (closed_) return;
    messages.swap(unsent_);
    status = std::exchange(status_, std::nullopt);
    if (status) trailing = std::move(trailing_);
  }
  for (GrpcMessage& message : messages) {
    if (!std::exchange(head_sent_, true))
      session.Respond(stream_, ResponseHead(head_.response_encoding));
    session.Send(stream_, std::move(message));
  }
  if (status) SendEnd(session, *status, trailing);
}

void GrpcServerCall::SendEnd(Http2Session& session, const GrpcStatus& status,
                             const GrpcMetadata& trailing) {
  Http2Fields end = {{"grpc-status", std::to_string(status.code)}};
  if (!status.message.empty())
    end.emplace_back("grpc-message", PercentEncodeStatus(status.message));
  for (const auto& [name, value] : trailing.fields())
    end.emplace_back(name, IsBinaryField(name) ? EncodeBinaryField(value) : value);
  end_sent_ = true;
  if (head_sent_) return session.End(stream_, std::move(end));
  Http2Fields head = ResponseHead(http::ContentEncoding::kIdentity);
  head.insert(head.end(), std::make_move_iterator(end.begin()), std::make_move_iterator(end.end()));
  session.RespondOnly(stream_, head);
}

}  // namespace sarai::net
