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
      errors_end_it_(EqualsIgnoreCase(call_->metadata().Get("triton_grpc_error"), "true")),
      pacer_(call_, max_requests) {}

void GrpcStream::Drain() {
  pacer_.Drain();
  Step();
}

void GrpcStream::Step() {
  if (pacer_.Step()) ReadNext();
}

// ---- requests

void GrpcStream::ReadNext() {
  call_->Read([self = shared_from_this()](std::optional<Blob> message) {
    if (message) self->Take(*message);
    self->pacer_.OnRead(message.has_value());
    self->Step();
  });
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
    if (!pacer_.Begin()) return;
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
    pacer_.Fail(ToGrpc(why));
    return Send(slot, std::nullopt, last);
  }
  Send(slot,
       kserve::grpc::EncodeStreamError(why.message(), slot->wishes.model, slot->wishes.request.id,
                                       last),
       last);
}

void GrpcStream::Send(const SlotPtr& slot, std::optional<net::GrpcMessage> message, bool last) {
  {
    const std::lock_guard lock(mu_);
    if (message && slot->decoupled)
      pacer_.Answer(std::move(*message));
    else if (message)
      slot->answer = std::move(message);
    while (!order_.empty() && order_.front()->answer) {
      pacer_.Answer(std::move(*order_.front()->answer));
      order_.pop_front();
    }
    if (last) pacer_.End();
  }
  Step();
}

void GrpcStream::Release(Slot& slot) {
  if (std::exchange(slot.decoupled, true)) return;
  std::erase_if(order_, [&slot](const SlotPtr& other) { return other.get() == &slot; });
}

}  // namespace sarai::instance
