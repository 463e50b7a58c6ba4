#include "net/grpc/stream_pacer.h"

#include <algorithm>
#include <utility>

namespace sarai::net {
namespace {

constexpr int kResourceExhausted = 8, kUnavailable = 14;

}  // namespace

GrpcStreamPacer::GrpcStreamPacer(GrpcCallPtr call, uint32_t max_requests)
    : call_(std::move(call)), max_requests_(std::max(max_requests, 1u)) {}

void GrpcStreamPacer::OnRead(bool any) {
  const std::lock_guard lock(mu_);
  reading_ = false;
  if (!any) no_more_ = true;
}

bool GrpcStreamPacer::Begin() {
  const std::lock_guard lock(mu_);
  if (ended_) return false;
  ++in_flight_;
  return true;
}

void GrpcStreamPacer::Answer(GrpcMessage message) {
  const std::lock_guard lock(mu_);
  if (!ended_) outgoing_.push_back(std::move(message));
}

void GrpcStreamPacer::End() {
  const std::lock_guard lock(mu_);
  --in_flight_;
}

void GrpcStreamPacer::Drain() {
  const std::lock_guard lock(mu_);
  draining_ = true;
}

void GrpcStreamPacer::Fail(GrpcStatus status) {
  {
    const std::lock_guard lock(mu_);
    if (!ending_) ending_ = std::move(status);
  }
  call_->cancellation()->Cancel();
}

bool GrpcStreamPacer::ended() const {
  const std::lock_guard lock(mu_);
  return ended_;
}

bool GrpcStreamPacer::Step() {
  bool read_on = false;
  {
    const std::lock_guard lock(mu_);
    read_on = Settle();
  }
  Flush();
  return read_on;
}

bool GrpcStreamPacer::Settle() {
  if (ended_ || ending_) return false;
  if (in_flight_ == 0 && no_more_) {
    ending_ = GrpcStatus();
  } else if (in_flight_ == 0 && draining_) {
    ending_ = GrpcStatus{.code = kUnavailable, .message = "the server is stopping"};
  }
  const bool room = !ending_ && !no_more_ && !draining_ && in_flight_ < max_requests_;
  return room && !std::exchange(reading_, true);
}

void GrpcStreamPacer::Flush() {
  std::unique_lock lock(mu_);
  if (std::exchange(flushing_, true)) return;
  while (!outgoing_.empty() && !ended_) {
    GrpcMessage message = std::move(outgoing_.front());
    outgoing_.pop_front();
    lock.unlock();
    const bool taken = call_->Write(std::move(message));
    lock.lock();
    if (taken || ending_) continue;
    ending_ = GrpcStatus{.code = kResourceExhausted,
                         .message = "the client reads its answers too slowly"};
    outgoing_.clear();
  }
  flushing_ = false;
  if (!ending_ || std::exchange(ended_, true)) return;
  outgoing_.clear();
  const GrpcStatus status = *ending_;
  lock.unlock();
  call_->Finish(status);
  if (!status.ok()) call_->cancellation()->Cancel();
}

void GrpcOpenStreams::Add(const std::shared_ptr<Stream>& stream) {
  bool drain = false;
  {
    const std::lock_guard lock(mu_);
    if (open_.size() >= sweep_at_) {
      std::erase_if(open_, [](const auto& weak) { return weak.expired(); });
      sweep_at_ = 2 * open_.size() + 64;
    }
    open_.push_back(stream);
    drain = draining_;
  }
  if (drain) stream->Drain();
}

void GrpcOpenStreams::Drain() {
  std::vector<std::weak_ptr<Stream>> open;
  {
    const std::lock_guard lock(mu_);
    draining_ = true;
    open.swap(open_);
  }
  for (const auto& weak : open)
    if (const auto stream = weak.lock()) stream->Drain();
}

}  // namespace sarai::net
