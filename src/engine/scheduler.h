// The requests of one model version that wait, and which of them run next as one batch. Two kinds:
// RequestQueue (each request for itself; dynamic batching) and the sequence scheduler.
//
// Its place: inside ServedVersion, which brings lock and clock; a scheduler has neither, asks
// src/policy what to do, and never calls out.
#pragma once

#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "engine/pending.h"

namespace sarai::engine {

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  // Moves the request in. Errors, with the request left where it is: kUnavailable (queue full),
  // kInvalidArgument (it does not fit its sequence).
  virtual Status Push(Pending& pending, TimePoint now) = 0;

  struct Taken {
    std::vector<Pending> expired;          // expired or cancelled: not to be run
    std::vector<Pending> batch;            // to run now as one; empty = nothing yet
    int instance = -1;                     // the one that must run it; -1 = any
    TimePoint wake_at = TimePoint::max();  // ask again then at the latest
  };
  virtual Taken Take(TimePoint now) = 0;         // a run could start
  virtual Taken TakeExpired(TimePoint now) = 0;  // no run could start: only sheds
  // The caller of this request has left. Hands out what is not to be run any more; the request may
  // be gone already (it is only compared).
  virtual std::vector<Pending> TakeCancelled(const PendingRequest* request, TimePoint now) {
    (void)request;
    return TakeExpired(now).expired;
  }

  // The run of a batch that Take gave has ended; `batch` as it was run, before it is answered. What
  // is to run again moves back in (null is left), unless it is ended: then its `fate` says why.
  virtual void OnRunEnded(std::vector<Pending>& batch, int instance, TimePoint now) {
    (void)batch, (void)instance, (void)now;
  }
  // Puts requests that were taken back to the head, each to run by itself. Never refused: they were
  // counted before.
  virtual void PutBackAlone(std::vector<Pending> batch) = 0;
  virtual std::vector<Pending> TakeAll() = 0;

  virtual size_t size() const = 0;                // requests that wait
  virtual size_t sequences() const { return 0; }  // live ones
  // TakeExpired would find something then, besides requests whose `expires` the caller knows.
  virtual TimePoint due() const { return TimePoint::max(); }
  bool empty() const { return size() == 0; }
};

// `spec` outlives it. `initial_states`: what the model's sequences begin with.
std::unique_ptr<Scheduler> MakeScheduler(const ModelSpec& spec, uint32_t default_max_queue_size,
                                         std::vector<Tensor> initial_states = {});

}  // namespace sarai::engine
