// The requests of a stateful model version, by sequence. Each sequence has a slot of one instance
// from its first request to its end; those that find none wait in the order of their start.
//
// Its place: a Scheduler of ServedVersion, under its lock; asks policy/sequence.h.
//
// Life of a sequence: backlog -> slot -> gone, by END, by idling, or because one of its requests
// left unserved (cancelled, expired): what came after it makes no sense without it.
//
// Invariants: at most one request of a sequence runs, in order; an instance runs one batch at a
// time; a sequence without a slot has a request that waits, so max_waiting bounds sequences too.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "engine/scheduler.h"
#include "policy/sequence.h"

namespace sarai::engine {

struct SequenceOptions {
  uint32_t max_waiting = 1024;            // requests, of all sequences together
  uint64_t max_state_bytes = 1ull << 30;  // implicit states of all sequences together
};

class SequenceScheduler final : public Scheduler {
 public:
  // `spec` outlives it and has a sequence part. `initial_states`: as of InitialStates.
  SequenceScheduler(const ModelSpec& spec, SequenceOptions options,
                    std::vector<Tensor> initial_states);

  Status Push(Pending& pending, TimePoint now) override;
  Taken Take(TimePoint now) override;
  Taken TakeExpired(TimePoint now) override;
  std::vector<Pending> TakeCancelled(const PendingRequest* request, TimePoint now) override;
  void OnRunEnded(std::vector<Pending>& batch, int instance, TimePoint now) override;
  // Steps do not run twice: a model may have kept what the first time left. They are failed.
  void PutBackAlone(std::vector<Pending> batch) override;
  std::vector<Pending> TakeAll() override;
  size_t size() const override { return waiting_ + stranded_.size(); }
  size_t sequences() const override { return sequences_.size(); }
  TimePoint due() const override { return due_.empty() ? TimePoint::max() : due_.begin()->first; }
  uint64_t state_bytes() const { return state_bytes_; }

 private:
  struct Sequence {
    uint64_t number = 0;
    CorrelationId id;
    std::deque<Pending> waiting;
    std::optional<policy::SlotChoice> place;  // none: in the backlog
    bool running = false;
    bool over = false;           // it goes when its run ends
    std::vector<Tensor> states;  // empty: the initial ones
    uint64_t state_bytes = 0;
    Status fault;  // not ok: what waits is failed with it
    TimePoint last_active;
    TimePoint due = TimePoint::max();  // in due_
    bool ready() const { return !waiting.empty() && !running; }
  };
  struct Instance {
    std::vector<uint64_t> slots;  // numbers of sequences; 0 = free. Grows to what is used
    bool busy = false;
  };

  void EndIfIdle(const CorrelationId& id, TimePoint now);
  Status Judge(const PendingRequest& pending) const;
  Sequence& SequenceOf(const PendingRequest& pending, TimePoint now);
  std::optional<policy::SlotChoice> FreeSlot() const;
  void PlaceBacklog();
  void Place(Sequence& sequence, policy::SlotChoice choice);
  void SetDue(Sequence& sequence);
  void RunAgain(Sequence& sequence, Pending& pending, TimePoint now);

  void CheckDue(Sequence& sequence, TimePoint now, std::vector<Pending>& left);
  // What waits of it is handed out with `why`, but for those that have a reason of their own.
  void End(Sequence& sequence, const Status& why, TimePoint now, std::vector<Pending>& left);
  void Forget(const Sequence& sequence);
  void Erase(Sequence& sequence);

  void Fill(size_t instance, TimePoint now, Taken& taken);
  void FillRows(const Instance& instance, TimePoint now, Taken& taken);
  void FillOldest(const Instance& instance, TimePoint now, Taken& taken);
  Pending TakeStep(Sequence& sequence, TimePoint now);
  const std::vector<Tensor>& StatesFor(const Sequence& sequence) const;
  uint64_t KeyOf(const Sequence& sequence) const;
  void KeepStates(Sequence& sequence, const PendingRequest& pending);
  void DropStates(Sequence& sequence);

  // Constant after construction.
  const ModelSpec& spec_;
  const SequenceOptions options_;
  const std::vector<Tensor> initial_states_;
  const size_t slots_;

  std::unordered_map<uint64_t, Sequence> sequences_;  // by number
  std::map<CorrelationId, uint64_t> by_id_;           // those that have not been sent their END
  std::set<uint64_t> backlog_;                        // numbers ascend: first come, first served
  std::set<std::pair<TimePoint, uint64_t>> due_;      // when to look at a sequence
  std::vector<Instance> instances_;
  std::vector<Pending> stranded_;  // put back
  uint64_t next_number_ = 1;
  size_t next_instance_ = 0;
  size_t waiting_ = 0;
  uint64_t state_bytes_ = 0;
};

}  // namespace sarai::engine
