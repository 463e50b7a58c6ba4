// The responses to one request of a decoupled model, on their way from the backend to the request's
// responder: checked, counted, traced, in order and one at a time, until the last one or an error.
//
// Its place: shared by the backend (which responds), its version (which keeps count of what is
// open, and ends it when the model is lost) and nobody else. Threads: any; the responder is called
// without a lock. Invariant: after the last response or error nothing is passed on.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "engine/pending.h"
#include "engine/served_version.h"

namespace sarai::engine {

class ResponseStream : public std::enable_shared_from_this<ResponseStream> {
 public:
  // Takes over the responder of `pending`, and what of its request the responses need. `on_end` is
  // called once, after the end was passed on.
  using OnEnd = std::function<void(const std::shared_ptr<ResponseStream>&)>;
  ResponseStream(std::shared_ptr<ServedVersion> version, PendingRequest& pending,
                 const Clock& clock, OnEnd on_end);

  const TracePtr& trace() const { return request_.front()->request.trace; }  // before its run
  // The run has begun, its inputs are ready.
  void OnComputeStart(TimePoint start, TimePoint input_end);
  // The backend's word. `final` is the last one; without outputs it is only the end.
  void Respond(Result<std::vector<Tensor>> outputs, bool final);
  // Ends it, unless it has ended.
  void Fail(Status why);

 private:
  struct Item {
    Result<std::vector<Tensor>> outputs;
    bool final = false;
    TimePoint at;
  };
  void Put(Item item);
  void PassOn(Item item);
  Result<InferResponse> ResponseOf(Item& item);
  void Count(const Item& item, bool ok, bool empty);
  void CountEnd(const Status& end);

  // Constant after construction.
  const std::shared_ptr<ServedVersion> version_;
  const Clock& clock_;
  const OnEnd on_end_;

  // Of whoever passes on (delivering_).
  std::vector<Pending> request_;  // the one: its id, outputs, trace, responder
  size_t number_ = 0;             // of the next response
  TimePoint last_;                // end of the response before it

  // Guarded by mu_.
  std::mutex mu_;
  TimePoint start_, input_end_;
  std::deque<Item> items_;
  bool delivering_ = false;
  bool closed_ = false;  // the end is among the items, or was passed on
};

}  // namespace sarai::engine
