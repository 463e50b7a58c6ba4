// One ModelStreamInfer: requests come in, their responses go out.
//
// Answers of models that give one each go out in the order of the requests; those of decoupled
// models as they come. A request that fails is answered inside the stream, which lives on; only
// where the client has asked for it (metadata triton_grpc_error: true) does the first error end it.
//
// Its place: held by the call's read and by the requests in flight. Threads: any. Invariant: at
// most max_requests are in flight (net/grpc/stream_pacer.h).
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "instance/front/grpc/grpc_inference.h"
#include "net/grpc/stream_pacer.h"

namespace sarai::instance {

class GrpcStream final : public net::GrpcOpenStreams::Stream,
                         public std::enable_shared_from_this<GrpcStream> {
 public:
  GrpcStream(std::shared_ptr<const GrpcInference> inference, net::GrpcCallPtr call,
             uint32_t max_requests);

  void Start() { Step(); }
  void Drain() override;

 private:
  // A request's place in the order of answers.
  struct Slot {
    GrpcWishes wishes;
    bool decoupled = false;                  // bound by no order; guarded by mu_
    std::optional<net::GrpcMessage> answer;  // waits for its turn; guarded by mu_
  };
  using SlotPtr = std::shared_ptr<Slot>;

  void ReadNext();
  void OnMessage(std::optional<Blob> message);
  void Take(const Blob& message);
  void OnOutcome(const SlotPtr& slot, const InferOutcome& outcome);
  // `last`: the request is done with it. No message: the end alone.
  void Send(const SlotPtr& slot, std::optional<net::GrpcMessage> message, bool last);
  void SendError(const SlotPtr& slot, const Status& why, bool last);
  void Release(Slot& slot);  // mu_ held
  void Step();

  const std::shared_ptr<const GrpcInference> inference_;
  const net::GrpcCallPtr call_;
  const bool errors_end_it_;
  net::GrpcStreamPacer pacer_;

  std::mutex mu_;
  std::deque<SlotPtr> order_;  // not answered yet, oldest first; guarded by mu_
};

}  // namespace sarai::instance
