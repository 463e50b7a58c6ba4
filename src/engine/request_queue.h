// The requests of one model version that wait for a lane, oldest first. Asks policy::NextBatch what
// to do with them. No lock and no clock of its own: its owner (ServedVersion) brings both.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "engine/pending.h"
#include "policy/batching.h"

namespace sarai::engine {

class RequestQueue {
 public:
  // `max_size` bounds what Push accepts.
  RequestQueue(policy::BatchLimits limits, uint32_t max_size);

  bool empty() const { return waiting_.empty(); }
  bool full() const { return waiting_.size() >= max_size_; }
  size_t size() const { return waiting_.size(); }
  uint32_t max_size() const { return max_size_; }

  void Push(Pending pending);
  // Puts requests that already were at the head back there, each to run by itself. Never refused:
  // they were counted before.
  void PutBackAlone(std::vector<Pending> batch);

  struct Taken {
    std::vector<Pending> expired;
    std::vector<Pending> batch;            // to run now as one; empty = nothing yet
    TimePoint wake_at = TimePoint::max();  // ask again then at the latest
  };
  Taken Take(TimePoint now);         // a run could start
  Taken TakeExpired(TimePoint now);  // no run could start: only sheds
  std::vector<Pending> TakeAll();

 private:
  std::vector<Pending> Remove(const std::vector<size_t>& ascending);

  const policy::BatchLimits limits_;
  const uint32_t max_size_;
  const bool delay_;  // timeout_action DELAY
  std::vector<Pending> waiting_;
  std::vector<policy::QueuedRequest> view_;  // of waiting_, index by index
  uint64_t alone_keys_ = 0;                  // shape keys handed to those that run by themselves
};

}  // namespace sarai::engine
