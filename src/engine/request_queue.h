// The requests of one model version that wait for a lane, each for itself: by priority, in time
// before the demoted, then by arrival. Asks policy::NextBatch how many of its head run together.
//
// Invariant: whatever waits, putting in and taking out cost no more than the batch that is taken
// and what is shed.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "engine/scheduler.h"
#include "policy/batching.h"

namespace sarai::engine {

class RequestQueue final : public Scheduler {
 public:
  // `default_max_size` bounds the whole queue against requests of levels that have no bound of
  // their own.
  RequestQueue(policy::BatchLimits limits, uint32_t default_max_size);

  Status Push(Pending& pending, TimePoint now) override;
  Taken Take(TimePoint now) override;
  Taken TakeExpired(TimePoint now) override;
  std::vector<Pending> TakeCancelled(const PendingRequest* request, TimePoint now) override;
  void PutBackAlone(std::vector<Pending> batch) override;
  std::vector<Pending> TakeAll() override;
  size_t size() const override { return size_; }

 private:
  using Line = std::list<Pending>;
  struct Level {
    Line in_time, demoted;
    size_t size() const { return in_time.size() + demoted.size(); }
  };
  using Times = std::multimap<TimePoint, const PendingRequest*>;
  // Where a request stands that may have to leave from the middle.
  struct Place {
    Line* line = nullptr;
    Line::iterator at;
    Times::iterator expiry, demotion;  // end() = none
  };

  void Index(Line& line, Line::iterator at);
  Pending Remove(Line& line, Line::iterator at);
  void Demote(TimePoint now);
  void DropEmptyLevels();
  // Calls `visit(line, iterator)` in the order of service until it answers false. It may remove
  // what it is given.
  template <typename Visit>
  void VisitInOrder(Visit visit);

  const policy::BatchLimits limits_;
  const uint32_t default_max_size_;
  const size_t head_size_;

  std::map<uint64_t, Level> levels_;  // 0: those put back
  size_t size_ = 0;
  std::unordered_map<const PendingRequest*, Place> places_;
  Times expiries_, demotions_;               // of places_
  std::vector<policy::QueuedRequest> head_;  // scratch: what the policy is shown
};

}  // namespace sarai::engine
