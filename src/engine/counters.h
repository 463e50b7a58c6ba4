// What one model version has done since it was loaded. Requests count from many threads with
// relaxed atomics; only the table by batch size takes a lock, once per run.
#pragma once

#include <atomic>
#include <map>
#include <mutex>

#include "base/clock.h"
#include "engine/engine.h"

namespace sarai::engine {

class Counters {
 public:
  void OnArrival(TimePoint now);
  // The request left before it was queued, or by shedding: no run.
  void OnRefused();
  void OnShed(Duration lived);

  struct Run {
    size_t requests = 0;
    int64_t batch = 0;  // sum of their batches
    Duration queue{0};  // summed over the requests
    Duration compute_input{0}, compute_infer{0}, compute_output{0};
    Duration lived{0};  // from arrival to answer, summed over the requests
    bool ok = false;
    WallTime at;
  };
  void OnRun(const Run& run);
  // A run whose requests are run again one by one counts as an execution, not as their end.
  void OnRetriedRun();

  // Requests that are queued or running.
  void Enter() { in_flight_.fetch_add(1, std::memory_order_relaxed); }
  void Leave() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }

  ModelCounters Read() const;

 private:
  // Own synchronisation.
  struct AtomicSum {
    std::atomic<uint64_t> count{0}, ns{0};
    void Add(uint64_t times, Duration total);
    DurationSum Read() const;
  };
  std::atomic<uint64_t> requests_{0}, failures_{0}, executions_{0}, inferences_{0};
  std::atomic<int64_t> in_flight_{0};
  std::atomic<int64_t> last_used_ns_{0};
  std::atomic<int64_t> last_inference_us_{0};
  AtomicSum success_, fail_, queue_, compute_input_, compute_infer_, compute_output_;

  // Guarded by mu_.
  mutable std::mutex mu_;
  std::map<int64_t, BatchSizeCounters> by_batch_size_;  // at most max_batch_size entries
};

// `into` becomes the counters of both together.
void Merge(ModelCounters& into, const ModelCounters& other);

}  // namespace sarai::engine
