// One ModelStreamInfer: requests come in, their responses go out.
//
// Answers of models that give one each go out in the order of the requests; those of decoupled
// models as they come. A request that fails is answered inside the stream, which lives on; only
// where the client has asked for it (metadata triton_grpc_error: true) does the first error end it.
//
// Its place: held by the call's read and by the requests in flight. Threads: any. Invariant: at
// most max_requests are in flight: the next message is read when there is room for it.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "instance/front/grpc/grpc_inference.h"

namespace sarai::instance {

class GrpcStream : public std::enable_shared_from_this<GrpcStream> {
 public:
  GrpcStream(std::shared_ptr<const GrpcInference> inference, net::GrpcCallPtr call,
             uint32_t max_requests);

  void Start() { ReadNext(); }
  void Drain();

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
  void EndWith(net::GrpcStatus status);

  void Release(Slot& slot);  // mu_ held
  void Flush();              // writes what is ready, one thread at a time
  bool Settle();             // mu_ held: whether to read on; notices the end

  const std::shared_ptr<const GrpcInference> inference_;
  const net::GrpcCallPtr call_;
  const uint32_t max_requests_;
  const bool errors_end_it_;

  std::mutex mu_;
  std::deque<SlotPtr> order_;              // not answered yet, oldest first; guarded by mu_
  std::deque<net::GrpcMessage> outgoing_;  // guarded by mu_
  std::optional<net::GrpcStatus> ending_;  // after outgoing_; guarded by mu_
  uint32_t in_flight_ = 0;                 // guarded by mu_
  bool reading_ = false;                   // guarded by mu_
  bool no_more_ = false;                   // the client sends no more; guarded by mu_
  bool draining_ = false;                  // guarded by mu_
  bool flushing_ = false, ended_ = false;  // guarded by mu_
};

// The streams that are open, so that they can be told to end. Threads: any.
class GrpcStreams {
 public:
  void Add(const std::shared_ptr<GrpcStream>& stream);
  void Drain();  // also those that are added later

 private:
  std::mutex mu_;
  std::vector<std::weak_ptr<GrpcStream>> open_;  // guarded by mu_
  size_t sweep_at_ = 64;                         // guarded by mu_
  bool draining_ = false;                        // guarded by mu_
};

}  // namespace sarai::instance
