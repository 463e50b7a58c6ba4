#include "net/grpc/server_call.h"

#include <utility>

namespace sarai::net {
namespace {

grpc::Status ToStatus(const GrpcStatus& status) {
  return {static_cast<grpc::StatusCode>(status.code), status.message};
}

}  // namespace

GrpcServerCall::GrpcServerCall(const Host& host, grpc::ServerCompletionQueue* queue)
    : host_(host), queue_(queue), rpc_(std::make_unique<Rpc>()) {}

// The queue's share in this call begins.
void* GrpcServerCall::Begin(GrpcTag& tag) {
  tag.call = shared_from_this();
  ++operations_;
  return &tag;
}

void GrpcServerCall::Await() {
  const std::lock_guard lock(mu_);
  rpc_->context.AsyncNotifyWhenDone(&done_tag_);  // comes only for calls that arrive
  host_.service->RequestCall(&rpc_->context, &rpc_->stream, queue_, queue_, Begin(arrived_));
}

void GrpcServerCall::OnEvent(GrpcTag& tag, bool ok) {
  const std::shared_ptr<GrpcServerCall> self = std::move(tag.call);
  switch (tag.kind) {
    case GrpcTag::Kind::kArrived: Arrived(ok); break;
    case GrpcTag::Kind::kDone: Done(); break;
    case GrpcTag::Kind::kRead: HasRead(ok); break;
    case GrpcTag::Kind::kWrite: HasWritten(ok); break;
    case GrpcTag::Kind::kFinish: break;
  }
  End();
}

void GrpcServerCall::Arrived(bool ok) {
  {
    const std::lock_guard lock(mu_);
    done_ = !ok;  // the server takes no more
    if (!ok) return;
    (void)Begin(done_tag_);
    method_ = rpc_->context.method();
    peer_ = rpc_->context.peer();
    metadata_ = ToMetadata(rpc_->context.client_metadata());
    deadline_ = ToTimePoint(rpc_->context.raw_deadline());
  }
  host_.on_arrival(shared_from_this());
}

void GrpcServerCall::Done() {
  bool cancelled = false;
  {
    const std::lock_guard lock(mu_);
    done_ = true;
    cancelled = rpc_->context.IsCancelled();
  }
  if (cancelled) cancellation_->Cancel();
}

void GrpcServerCall::End() {
  std::unique_ptr<Rpc> rpc;
  {
    const std::lock_guard lock(mu_);
    if (--operations_ > 0 || !done_) return;
    rpc = std::move(rpc_);
  }
  if (rpc == nullptr) return;
  rpc.reset();
  host_.on_end();
}

void GrpcServerCall::Read(GrpcCall::OnMessage on_message) {
  {
    const std::lock_guard lock(mu_);
    if (!done_ && rpc_ != nullptr && !status_) {
      on_message_ = std::move(on_message);
      rpc_->stream.Read(&rpc_->incoming, Begin(read_));
      return;
    }
  }
  on_message(std::nullopt);
}

void GrpcServerCall::HasRead(bool ok) {
  GrpcCall::OnMessage on_message;
  std::optional<Blob> message;
  {
    const std::lock_guard lock(mu_);
    on_message = std::exchange(on_message_, nullptr);
    if (ok) message = ToBlob(rpc_->incoming);
    rpc_->incoming.Clear();
  }
  on_message(std::move(message));
}

bool GrpcServerCall::Write(GrpcMessage message) {
  const uint64_t size = ByteCount(message);
  const std::lock_guard lock(mu_);
  if (done_ || finished_) return false;
  if (!unsent_.empty() && unsent_bytes_ + size > host_.max_unsent_bytes) return false;
  unsent_bytes_ += size;
  unsent_.push_back(std::move(message));
  SendNext();
  return true;
}

void GrpcServerCall::FinishWith(GrpcMessage message, GrpcMetadata trailing) {
  const std::lock_guard lock(mu_);
  if (done_ || std::exchange(finished_, true)) return;
  for (const auto& [name, value] : trailing.fields())
    rpc_->context.AddTrailingMetadata(name, value);
  unsent_.push_back(std::move(message));
  status_ = GrpcStatus();
  SendNext();
}

void GrpcServerCall::Finish(GrpcStatus status, GrpcMetadata trailing) {
  const std::lock_guard lock(mu_);
  if (done_ || std::exchange(finished_, true)) return;
  for (const auto& [name, value] : trailing.fields())
    rpc_->context.AddTrailingMetadata(name, value);
  status_ = std::move(status);
  SendNext();
}

// One write at a time; the status goes out with the last one.
void GrpcServerCall::SendNext() {
  if (writing_ || done_) return;
  if (unsent_.empty()) {
    if (!status_) return;
    writing_ = true;
    return rpc_->stream.Finish(ToStatus(*status_), Begin(finish_));
  }
  writing_ = true;
  const grpc::ByteBuffer buffer = ToByteBuffer(unsent_.front());
  if (status_ && unsent_.size() == 1)
    return rpc_->stream.WriteAndFinish(buffer, {}, ToStatus(*status_), Begin(finish_));
  rpc_->stream.Write(buffer, Begin(write_));
}

void GrpcServerCall::HasWritten(bool ok) {
  const std::lock_guard lock(mu_);
  writing_ = false;
  unsent_bytes_ -= std::min(unsent_bytes_, ByteCount(unsent_.front()));
  unsent_.pop_front();
  if (ok) return SendNext();
  unsent_.clear();
  unsent_bytes_ = 0;
  SendNext();
}

}  // namespace sarai::net
