// The requests of one model version that wait for a lane, oldest first. Asks policy::NextBatch what
// to do with them.
#pragma once

#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "engine/scheduler.h"
#include "policy/batching.h"

namespace sarai::engine {

class RequestQueue final : public Scheduler {
 public:
  // `max_size` bounds what Push accepts.
  RequestQueue(policy::BatchLimits limits, uint32_t max_size);

  Status Push(Pending& pending, TimePoint now) override;
  Taken Take(TimePoint now) override;
  Taken TakeExpired(TimePoint now) override;
  void PutBackAlone(std::vector<Pending> batch) override;
  std::vector<Pending> TakeAll() override;
  size_t size() const override { return waiting_.size(); }

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
