#include "instance/front/grpc/grpc_stream.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "instance/front/grpc/grpc_answer.h"

namespace sarai::instance {
GrpcStream::GrpcStream(std::shared_ptr<const GrpcInference> inference, net::GrpcCallPtr call,
                       uint32_t max_requests)
    : inference_(std::move(inference)),
      call_(std::move(call)),
      max_requests_(std::max(max_requests, 1u)),
      errors_end_it_(EqualsIgnoreCase(call_->metadata().Get("triton_grpc_error"), "true")) {}

void GrpcStream::Drain() {
  {
    const std::lock_guard lock(mu_);
    draining_ = true;
    (void)Settle();
  }
  Flush();
}

// ---- requests

void GrpcStream::ReadNext() {
  {
    const std::lock_guard lock(mu_);
    reading_ = true;
  }
  call_->Read([self = shared_from_this()](std::optional<Blob> message) {
    self->OnMessage(std::move(message));
  });
}

void GrpcStream::OnMessage(std::optional<Blob> message) {
  if (message) Take(*message);
  bool read_on = false;
  {
    const std::lock_guard lock(mu_);
    reading_ = false;
    if (!message) no_more_ = true;
    read_on = Settle();
  }
  Flush();
  if (read_on) ReadNext();
}

void GrpcStream::Take(const Blob& message) {
  auto slot = std::make_shared<Slot>();
  auto prepared = inference_->Prepare(*call_, message);
  if (prepared) {
    slot->wishes = std::move(prepared->wishes);
    slot->decoupled = inference_->IsDecoupled(slot->wishes.model);
  } else {
    slot->wishes.request.id = kserve::grpc::RequestIdOf(message);
  }
  {
    const std::lock_guard lock(mu_);
    if (ended_) return;
    ++in_flight_;
    if (!slot->decoupled) order_.push_back(slot);
  }
  if (!prepared) return SendError(slot, prepared.error(), /*last=*/true);
  prepared->request.accepts_many = true;
  inference_->manager().Infer(std::move(prepared->request),
                              [self = shared_from_this(), slot](InferOutcome outcome) mutable {
                                self->OnOutcome(slot, outcome);
                              });
}

// ---- responses

void GrpcStream::OnOutcome(const SlotPtr& slot, const InferOutcome& outcome) {
  const Result<InferResponse>& response = outcome.response;
  if (!response) return SendError(slot, response.error(), /*last=*/true);
  const bool last = response->final;
  // A model that was loaded by this request shows only now what it is.
  const bool decoupled = !last || inference_->IsDecoupled(slot->wishes.model);
  if (decoupled) {
    const std::lock_guard lock(mu_);
    Release(*slot);
  }
  if (!response->error.ok()) return SendError(slot, response->error, last);
  if (decoupled && last && response->outputs.empty() && !slot->wishes.empty_final)
    return Send(slot, std::nullopt, /*last=*/true);
  auto parts = EncodeAnswer(outcome, slot->wishes, /*in_stream=*/true);
  if (!parts) return SendError(slot, parts.error(), last);
  Send(slot, std::move(*parts), last);
}

void GrpcStream::SendError(const SlotPtr& slot, const Status& why, bool last) {
  if (errors_end_it_) {
    EndWith(ToGrpc(why));
    return Send(slot, std::nullopt, last);
  }
  Send(slot,
       kserve::grpc::EncodeStreamError(why.message(), slot->wishes.model, slot->wishes.request.id,
                                       last),
       last);
}

void GrpcStream::Send(const SlotPtr& slot, std::optional<net::GrpcMessage> message, bool last) {
  bool read_on = false;
  {
    const std::lock_guard lock(mu_);
    if (message && slot->decoupled)
      outgoing_.push_back(std::move(*message));
    else if (message)
      slot->answer = std::move(message);
    while (!order_.empty() && order_.front()->answer) {
      outgoing_.push_back(std::move(*order_.front()->answer));
      order_.pop_front();
    }
    if (last) --in_flight_;
    read_on = Settle();
  }
  Flush();
  if (read_on) ReadNext();
}

void GrpcStream::Release(Slot& slot) {
  if (std::exchange(slot.decoupled, true)) return;
  std::erase_if(order_, [&slot](const SlotPtr& other) { return other.get() == &slot; });
}

// ---- the end

bool GrpcStream::Settle() {
  if (ended_ || ending_) return false;
  if (in_flight_ == 0 && no_more_) {
    ending_ = net::GrpcStatus();
  } else if (in_flight_ == 0 && draining_) {
    ending_ = ToGrpc(Status(Code::kUnavailable, "the server is stopping"));
  }
  const bool room = !ending_ && !no_more_ && !draining_ && in_flight_ < max_requests_;
  return room && !std::exchange(reading_, true);
}

void GrpcStream::EndWith(net::GrpcStatus status) {
  {
    const std::lock_guard lock(mu_);
    if (!ending_) ending_ = std::move(status);
  }
  call_->cancellation()->Cancel();
}

void GrpcStream::Flush() {
  std::unique_lock lock(mu_);
  if (std::exchange(flushing_, true)) return;
  while (!outgoing_.empty() && !ended_) {
    net::GrpcMessage message = std::move(outgoing_.front());
    outgoing_.pop_front();
    lock.unlock();
    const bool taken = call_->Write(std::move(message));
    lock.lock();
    if (taken || ending_) continue;
    ending_ = net::GrpcStatus{.code = 8, .message = "the client reads its answers too slowly"};
    outgoing_.clear();
  }
  flushing_ = false;
  if (!ending_ || std::exchange(ended_, true)) return;
  outgoing_.clear();
  order_.clear();
  const net::GrpcStatus status = *ending_;
  lock.unlock();
  call_->Finish(status);
  if (!status.ok()) call_->cancellation()->Cancel();
}

// ---- all of them

void GrpcStreams::Add(const std::shared_ptr<GrpcStream>& stream) {
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

void GrpcStreams::Drain() {
  std::vector<std::weak_ptr<GrpcStream>> open;
  {
    const std::lock_guard lock(mu_);
    draining_ = true;
    open.swap(open_);
  }
  for (const auto& weak : open)
    if (const auto stream = weak.lock()) stream->Drain();
}

}  // namespace sarai::instance
