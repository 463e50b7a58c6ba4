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

constexpr int kUnavailable = 14, kResourceExhausted = 8;

Blob ErrorMessage(const std::string& why, const GrpcStream::Slot& slot) {
  std::string joined;
  for (const Blob& part : codec::EncodeStreamError(why, slot.model, slot.id)) joined += part.text();
  return Blob::FromString(std::move(joined));
}

}  // namespace

GrpcStream::GrpcStream(std::shared_ptr<const GrpcParts> parts, net::GrpcCallPtr call)
    : parts_(std::move(parts)),
      call_(std::move(call)),
      errors_end_it_(EqualsIgnoreCase(call_->metadata().Get("triton_grpc_error"), "true")) {}

void GrpcStream::Drain() {
  {
    const std::lock_guard lock(mu_);
    draining_ = true;
  }
  Step();
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
    self->OnMessage(std::move(message));
  });
}

void GrpcStream::OnMessage(std::optional<Blob> message) {
  if (message) Take(std::move(*message));
  {
    const std::lock_guard lock(mu_);
    reading_ = false;
    if (!message) no_more_ = true;
  }
  Step();
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
    if (ended_) return;
    ++in_flight_;
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
  bool cancel = false;
  {
    const std::lock_guard lock(mu_);
    if (!status.ok() && !errors_end_it_) AddAnswer(*slot, ErrorMessage(status.message, *slot));
    if (!status.ok() && errors_end_it_ && !ending_) {
      ending_ = status;
      cancel = true;
    }
    slot->over = true;
    --in_flight_;
    AdvanceOrder();
    next = NextOfSequence(*slot);
  }
  if (cancel) call_->cancellation()->Cancel();
  if (next != nullptr) Send(next);
  Step();
}

void GrpcStream::AddAnswer(Slot& slot, Blob message) {
  if (!slot.ordered) return outgoing_.push_back(std::move(message));
  slot.answers.push_back(std::move(message));
  AdvanceOrder();
}

void GrpcStream::Release(Slot& slot) {
  if (!std::exchange(slot.ordered, false)) return;
  std::ranges::move(slot.answers, std::back_inserter(outgoing_));
  slot.answers.clear();
  std::erase_if(order_, [&slot](const SlotPtr& other) { return other.get() == &slot; });
  AdvanceOrder();
}

void GrpcStream::AdvanceOrder() {
  while (!order_.empty()) {
    Slot& first = *order_.front();
    std::ranges::move(first.answers, std::back_inserter(outgoing_));
    first.answers.clear();
    if (!first.over) return;
    order_.pop_front();
  }
}

// ---- the end

void GrpcStream::Step() {
  bool read_on = false;
  {
    const std::lock_guard lock(mu_);
    read_on = Settle();
  }
  Flush();
  if (read_on) ReadNext();
}

bool GrpcStream::Settle() {
  if (ended_ || ending_) return false;
  if (in_flight_ == 0 && no_more_) {
    ending_ = net::GrpcStatus();
  } else if (in_flight_ == 0 && draining_) {
    ending_ = net::GrpcStatus{.code = kUnavailable, .message = "the server is stopping"};
  }
  const uint32_t most = std::max(parts_->dispatcher->options().kserve.max_stream_requests, 1u);
  const bool room = !ending_ && !no_more_ && !draining_ && in_flight_ < most;
  return room && !std::exchange(reading_, true);
}

void GrpcStream::Flush() {
  std::unique_lock lock(mu_);
  if (std::exchange(flushing_, true)) return;
  while (!outgoing_.empty() && !ended_) {
    Blob message = std::move(outgoing_.front());
    outgoing_.pop_front();
    lock.unlock();
    const bool taken = call_->Write({std::move(message)});
    lock.lock();
    if (taken || ending_) continue;
    ending_ = net::GrpcStatus{.code = kResourceExhausted,
                              .message = "the client reads its answers too slowly"};
    outgoing_.clear();
  }
  flushing_ = false;
  if (!ending_ || std::exchange(ended_, true)) return;
  outgoing_.clear();
  order_.clear();
  busy_.clear();
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

}  // namespace sarai::gateway
