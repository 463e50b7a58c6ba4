#include "gateway/kserve/stream_errand.h"

#include <utility>

#include "gateway/kserve/answers.h"
#include "gateway/kserve/grpc_errand.h"
#include "wire/kserve/grpc_over_http.h"

namespace sarai::gateway {
namespace {

namespace codec = kserve::grpc;

// Takes frames out of an answer that is still coming and hands them to the stream.
class FramePump : public std::enable_shared_from_this<FramePump> {
 public:
  FramePump(std::shared_ptr<GrpcStream> stream, GrpcStream::SlotPtr slot)
      : stream_(std::move(stream)),
        slot_(std::move(slot)),
        reader_(stream_->parts().dispatcher->options().kserve.max_message_bytes) {}

  void Start(http::Response answer) {
    for (Blob& part : answer.body) reader_.Add(std::move(part));
    body_ = std::move(answer.stream);
    TakeFrames();
    if (body_ != nullptr) return Pump();
    BreakOff();
  }

 private:
  // To the body's end, also after the last frame: the connection can then be used again.
  void Pump() {
    while (body_ != nullptr) {
      auto chunk = body_->Read([self = shared_from_this()] { self->Pump(); });
      if (chunk.part.empty() && !chunk.ended) return;
      reader_.Add(std::move(chunk.part));
      TakeFrames();
      if (!chunk.ended) continue;
      body_ = nullptr;
      BreakOff();
    }
  }

  void TakeFrames() {
    while (!over_) {
      auto frame = reader_.Next();
      if (!frame) return GiveUp(frame.error());
      if (!*frame) return;
      if ((*frame)->is_end)
        return End({.code = (*frame)->end.code, .message = std::move((*frame)->end.message)});
      stream_->OnAnswer(slot_, std::move((*frame)->message));
    }
  }

  void GiveUp(const Status& status) {
    if (body_ != nullptr) body_->Abandon();
    body_ = nullptr;
    End(ToGrpc(status));
  }
  void BreakOff() {
    if (!over_)
      End(ToGrpc(Status(Code::kUnavailable, "the model's instance broke off its answers")));
  }
  void End(const net::GrpcStatus& status) {
    over_ = true;
    stream_->OnEnd(slot_, status);
  }

  const std::shared_ptr<GrpcStream> stream_;
  const GrpcStream::SlotPtr slot_;
  codec::FrameReader reader_;
  ByteStreamPtr body_;
  bool over_ = false;
};

class StreamErrand final : public Errand {
 public:
  StreamErrand(std::shared_ptr<GrpcStream> stream, GrpcStream::SlotPtr slot, Route route)
      : Errand(std::move(route)), stream_(std::move(stream)), slot_(std::move(slot)) {}

  http::Request Outgoing(const FleetVariant&, const std::string&) override {
    return CarryToInstance(stream_->call(), slot_->message, Now(), stream_->parts().new_id());
  }
  net::SendOptions Sending(std::chrono::milliseconds timeout) const override {
    net::SendOptions options = SendingFor(stream_->call(), Now(), timeout);
    options.stream = true;
    return options;
  }

  void Deliver(http::Response answer) override {
    if (codec::IsFramed(answer))
      return std::make_shared<FramePump>(stream_, slot_)->Start(std::move(answer));
    const codec::CarriedEnd end = EndOf(answer);
    stream_->OnEnd(slot_, {.code = end.code, .message = end.message});
  }
  void Fail(const net::SendError& error) override { Refuse(WhyNoAnswer(error)); }
  void Refuse(const Status& status) override { stream_->OnEnd(slot_, ToGrpc(status)); }

 private:
  TimePoint Now() const { return stream_->parts().dispatcher->clock().Now(); }

  const std::shared_ptr<GrpcStream> stream_;
  const GrpcStream::SlotPtr slot_;
};

}  // namespace

std::unique_ptr<Errand> MakeStreamErrand(std::shared_ptr<GrpcStream> stream,
                                         GrpcStream::SlotPtr slot, Route route) {
  return std::make_unique<StreamErrand>(std::move(stream), std::move(slot), std::move(route));
}

}  // namespace sarai::gateway
