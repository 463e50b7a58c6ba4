// One ModelStreamInfer at the gateway: each of its requests is an errand of its own, may name
// another model and go to another instance; what comes back goes out in one stream.
//
// Answers of models that give one each go out in the order of the requests; those of decoupled
// models as they come. Requests of one sequence are sent one after the other. A request that fails
// is answered inside the stream, which lives on; only where the client has asked for it (metadata
// triton_grpc_error: true) does the first error end it.
//
// Its place: held by the call's read and by the requests in flight. Threads: any. Invariant: at
// most KserveOptions::max_stream_requests are in flight (net/grpc/stream_pacer.h).
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gateway/dispatcher.h"
#include "net/grpc/stream_pacer.h"

namespace sarai::gateway {

// What calls need of their front.
struct GrpcParts {
  std::shared_ptr<Dispatcher> dispatcher;
  std::function<std::string()> new_id;

  // The one that the call's metadata names, or the only one.
  Result<std::string> Endpoint(const net::GrpcCall& call) const;
};

class GrpcStream final : public net::GrpcOpenStreams::Stream,
                         public std::enable_shared_from_this<GrpcStream> {
 public:
  GrpcStream(std::shared_ptr<const GrpcParts> parts, net::GrpcCallPtr call);

  void Start();
  void Drain() override;

  // One request of the stream. Its errand reads the first members; the others are under mu_.
  struct Slot {
    std::string model, id;
    std::string sequence;  // empty = none
    bool sequence_ends = false;
    Blob message;
    bool ordered = true;        // its answers wait for their turn
    bool over = false;          // no more answers come
    std::vector<Blob> answers;  // before their turn
  };
  using SlotPtr = std::shared_ptr<Slot>;

  // Of an errand: an answer; its end, with what went wrong.
  void OnAnswer(const SlotPtr& slot, Blob message);
  void OnEnd(const SlotPtr& slot, const net::GrpcStatus& status);

  const GrpcParts& parts() const { return *parts_; }
  const net::GrpcCall& call() const { return *call_; }

 private:
  static std::string KeyOf(const Slot& slot) { return slot.model + '\n' + slot.sequence; }

  void ReadNext();
  void Take(Blob message);
  void Send(const SlotPtr& slot);
  bool JoinSequence(const SlotPtr& slot);    // mu_ held; false: it waits for those before it
  SlotPtr NextOfSequence(const Slot& slot);  // mu_ held; null: none waits
  void AddAnswer(Slot& slot, Blob message);  // mu_ held
  void AnswerAll(Slot& slot);                // mu_ held
  void Release(Slot& slot);                  // mu_ held: bound by no order any more
  void AdvanceOrder();                       // mu_ held
  void Step();

  const std::shared_ptr<const GrpcParts> parts_;
  const net::GrpcCallPtr call_;
  const bool errors_end_it_;
  net::GrpcStreamPacer pacer_;
  std::string endpoint_;  // set at the start

  std::mutex mu_;
  std::deque<SlotPtr> order_;                        // oldest first; guarded by mu_
  std::set<std::string, std::less<>> decoupled_;     // models that have shown it; guarded by mu_
  std::map<std::string, std::deque<SlotPtr>> busy_;  // by sequence, what waits; guarded by mu_
};

}  // namespace sarai::gateway
