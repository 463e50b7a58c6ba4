#include "gateway/kserve/grpc_stream.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "gateway/kserve/grpc_errand.h"
#include "gateway/kserve/stream_errand.h"
#include "wire/kserve/grpc_codec.h"
#include "wire/kserve/routing_fields.h"

namespace sarai::gateway {
namespace {

namespace codec = kserve::grpc;

Blob ErrorMessage(const std::string& why, const GrpcStream::Slot& slot) {
  std::string joined;
  for (const Blob& part : codec::EncodeStreamError(why, slot.model, slot.id)) joined += part.text();
  return Blob::FromString(std::move(joined));
}

}  // namespace

GrpcStream::GrpcStream(std::shared_ptr<const GrpcParts> parts, net::GrpcCallPtr call)
    : parts_(std::move(parts)),
      call_(std::move(call)),
      errors_end_it_(EqualsIgnoreCase(call_->metadata().Get("triton_grpc_error"), "true")),
      pacer_(call_, parts_->dispatcher->options().kserve.max_stream_requests) {}

void GrpcStream::Drain() {
  pacer_.Drain();
  Step();
}

void GrpcStream::Step() {
  if (pacer_.Step()) ReadNext();
}

// ---- requests

void GrpcStream::Start() {
  auto endpoint = parts_->Endpoint(*call_);
  if (!endpoint) return call_->Finish(ToGrpc(endpoint.error()));
  endpoint_ = std::move(*endpoint);
  Step();
}

void GrpcStream::ReadNext() {
  call_->Read([self = shared_from_this()](std::optional<Blob> message) {
    const bool any = message.has_value();
    if (any) self->Take(std::move(*message));
    self->pacer_.OnRead(any);
    self->Step();
  });
}

void GrpcStream::Take(Blob message) {
  auto slot = std::make_shared<Slot>();
  auto fields = codec::ReadRoutingFields(message);
  if (fields) {
    slot->model = std::move(fields->model);
    slot->id = std::move(fields->request_id);
    slot->sequence = std::move(fields->sequence.id);
    slot->sequence_ends = fields->sequence.ends;
  }
  slot->message = std::move(message);
  {
    const std::lock_guard lock(mu_);
    if (!pacer_.Begin()) return;
    slot->ordered = !decoupled_.contains(slot->model);
    if (slot->ordered) order_.push_back(slot);
    if (fields && !JoinSequence(slot)) return;
  }
  if (!fields) return OnEnd(slot, ToGrpc(fields.error()));
  Send(slot);
}

bool GrpcStream::JoinSequence(const SlotPtr& slot) {
  if (slot->sequence.empty()) return true;
  const auto [it, first] = busy_.try_emplace(KeyOf(*slot));
  if (!first) it->second.push_back(slot);
  return first;
}

GrpcStream::SlotPtr GrpcStream::NextOfSequence(const Slot& slot) {
  const auto it = busy_.find(KeyOf(slot));
  if (slot.sequence.empty() || it == busy_.end()) return nullptr;
  if (it->second.empty()) {
    busy_.erase(it);
    return nullptr;
  }
  SlotPtr next = std::move(it->second.front());
  it->second.pop_front();
  return next;
}

void GrpcStream::Send(const SlotPtr& slot) {
  parts_->dispatcher->Start(MakeStreamErrand(shared_from_this(), slot,
                                             {.endpoint = endpoint_,
                                              .variant = VariantOf(*call_),
                                              .model = slot->model,
                                              .sequence = slot->sequence,
                                              .sequence_ends = slot->sequence_ends}));
}

// ---- answers

void GrpcStream::OnAnswer(const SlotPtr& slot, Blob message) {
  const bool final = codec::IsFinalInStream(message);
  {
    const std::lock_guard lock(mu_);
    if (!final) {
      decoupled_.insert(slot->model);
      Release(*slot);
    }
    AddAnswer(*slot, std::move(message));
  }
  Step();
}

void GrpcStream::OnEnd(const SlotPtr& slot, const net::GrpcStatus& status) {
  SlotPtr next;
  if (!status.ok() && errors_end_it_) pacer_.Fail(status);
  {
    const std::lock_guard lock(mu_);
    if (!status.ok() && !errors_end_it_) AddAnswer(*slot, ErrorMessage(status.message, *slot));
    slot->over = true;
    AdvanceOrder();
    pacer_.End();
    if (pacer_.ended()) busy_.clear();
    next = NextOfSequence(*slot);
  }
  if (next != nullptr) Send(next);
  Step();
}

void GrpcStream::AddAnswer(Slot& slot, Blob message) {
  if (!slot.ordered) return pacer_.Answer({std::move(message)});
  slot.answers.push_back(std::move(message));
  AdvanceOrder();
}

void GrpcStream::AnswerAll(Slot& slot) {
  for (Blob& answer : slot.answers) pacer_.Answer({std::move(answer)});
  slot.answers.clear();
}

void GrpcStream::Release(Slot& slot) {
  if (!std::exchange(slot.ordered, false)) return;
  AnswerAll(slot);
  std::erase_if(order_, [&slot](const SlotPtr& other) { return other.get() == &slot; });
  AdvanceOrder();
}

void GrpcStream::AdvanceOrder() {
  while (!order_.empty()) {
    Slot& first = *order_.front();
    AnswerAll(first);
    if (!first.over) return;
    order_.pop_front();
  }
}

}  // namespace sarai::gateway
