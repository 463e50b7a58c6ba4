#include "instance/front/grpc/carried_call.h"

#include <utility>

namespace sarai::instance {
namespace {

namespace codec = kserve::grpc;

constexpr int kInternal = 13;
constexpr size_t kJoinBytes = 16 << 10;  // up to here a frame is cheaper in one part

TimePoint DeadlineOf(const codec::CarriedCall& call, TimePoint now) {
  return call.timeout ? now + *call.timeout : TimePoint::max();
}

Blob Joined(const net::GrpcMessage& parts) {
  std::string joined;
  for (const Blob& part : parts) joined += part.text();
  return Blob::FromString(std::move(joined));
}

// The client's leaving is the call's, not the other way round.
void FollowCancellation(const CancellationPtr& from, const CancellationPtr& to) {
  if (from == nullptr) return;
  from->OnCancel([weak = std::weak_ptr(to)] {
    if (const auto cancellation = weak.lock()) cancellation->Cancel();
  });
}

}  // namespace

net::GrpcCallPtr CarriedCall::Make(http::Request request, TimePoint now, http::Responder respond) {
  return std::make_shared<CarriedCall>(std::move(request), now, std::move(respond));
}

CarriedCall::CarriedCall(http::Request request, TimePoint now, http::Responder respond)
    : call_(codec::ReadCarriedCall(request)),
      peer_(std::move(request.peer)),
      deadline_(DeadlineOf(call_, now)),
      message_(std::move(request.body)),
      respond_(std::move(respond)) {
  FollowCancellation(request.cancellation, cancellation_);
}

CarriedCall::~CarriedCall() {
  if (respond_ || frames_)
    Finish({.code = kInternal, .message = "the call was dropped unanswered"}, {});
}

void CarriedCall::Read(OnMessage on_message) {
  std::optional<Blob> message;
  {
    const std::lock_guard lock(mu_);
    message = std::exchange(message_, std::nullopt);
  }
  on_message(std::move(message));
}

http::Responder CarriedCall::TakeResponder() {
  const std::lock_guard lock(mu_);
  return std::exchange(respond_, nullptr);
}

ByteStreamPtr CarriedCall::Frames() {
  http::Responder respond = TakeResponder();
  if (respond) {
    auto frames = std::make_shared<ByteStream>();
    frames->OnAbandoned([weak = std::weak_ptr(cancellation_)] {
      if (const auto cancellation = weak.lock()) cancellation->Cancel();
    });
    {
      const std::lock_guard lock(mu_);
      frames_ = frames;
    }
    http::Response response = codec::CarryFrames();
    response.stream = std::move(frames);
    respond(std::move(response));
  }
  const std::lock_guard lock(mu_);
  return frames_;
}

bool CarriedCall::Write(net::GrpcMessage message) {
  const ByteStreamPtr frames = Frames();
  if (frames == nullptr) return false;
  size_t size = 0;
  for (const Blob& part : message) size += part.size();
  message.insert(message.begin(), codec::FrameHead(size));
  if (size <= kJoinBytes) message = {Joined(message)};
  bool taken = true;
  for (Blob& part : message)
    if (taken && !part.empty()) taken = frames->Write(std::move(part));
  return taken;
}

void CarriedCall::FinishWith(net::GrpcMessage message, net::GrpcMetadata trailing) {
  if (http::Responder respond = TakeResponder())
    return respond(codec::CarryAnswer({.trailing = std::move(trailing)}, std::move(message)));
  if (Write(std::move(message))) Finish({}, {});
}

void CarriedCall::Finish(net::GrpcStatus status, net::GrpcMetadata trailing) {
  if (http::Responder respond = TakeResponder())
    return respond(codec::CarryAnswer({.code = status.code,
                                       .message = std::move(status.message),
                                       .trailing = std::move(trailing)},
                                      {}));
  ByteStreamPtr frames;
  {
    const std::lock_guard lock(mu_);
    frames = std::exchange(frames_, nullptr);
  }
  if (frames == nullptr) return;
  frames->Write(codec::EndFrame(status.code, status.message));
  frames->End();
}

}  // namespace sarai::instance
