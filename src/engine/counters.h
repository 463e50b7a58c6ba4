// What one model version has done since it was loaded. Requests count from many threads with
// relaxed atomics; only the table by batch size takes a lock, once per run.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"

namespace sarai::engine {

class Counters {
 public:
  void OnArrival(TimePoint now);
  // The request left without a run.
  void OnRefused(FailureReason reason, Duration lived = Duration{0});

  struct Run {
    size_t requests = 0;
    int64_t batch = 0;      // sum of their batches
    int64_t null_rows = 0;  // that filled the batch up
    size_t going_on = 0;    // requests for which it was not the last run: each a row of the batch
    Duration queue{0};      // summed over the requests, those that go on too
    Duration compute_input{0}, compute_infer{0}, compute_output{0};
    Duration lived{0};  // from arrival to answer, summed over the requests
    bool ok = false;
    FailureReason reason = FailureReason::kBackend;  // of runs that are not ok
    WallTime at;
  };
  void OnRun(const Run& run);
  // A run whose requests are run again one by one counts as an execution, not as their end.
  void OnRetriedRun();

  // Of decoupled models: the `number`-th response (from 0) of some request. Numbers beyond
  // kResponsesMax are counted with the last.
  static constexpr size_t kResponsesMax = 1024;
  struct Response {
    Duration compute_infer{0}, compute_output{0};
    bool ok = false, empty = false, cancelled = false;
  };
  void OnResponse(size_t number, const Response& response);
  // Answered without a run: a success, but no inference.
  void OnCacheHit(Duration took) {
    cache_hit_.Add(1, took);
    success_.Add(1, took);
    queue_.Add(1, Duration{0});
  }
  void OnCacheMiss(Duration took) { cache_miss_.Add(1, took); }

  // Requests that are queued or running; those that are queued.
  void Enter() { in_flight_.fetch_add(1, std::memory_order_relaxed); }
  void Leave() { in_flight_.fetch_sub(1, std::memory_order_relaxed); }
  void SetPending(size_t queued) {
    pending_.store(static_cast<int64_t>(queued), std::memory_order_relaxed);
  }
  void SetSequences(size_t live) {
    sequences_.store(static_cast<int64_t>(live), std::memory_order_relaxed);
  }

  ModelCounters Read() const;

 private:
  // Own synchronisation.
  struct AtomicSum {
    std::atomic<uint64_t> count{0}, ns{0};
    void Add(uint64_t times, Duration total);
    DurationSum Read() const;
  };
  std::atomic<uint64_t> requests_{0}, failures_{0}, executions_{0}, inferences_{0};
  std::atomic<uint64_t> failures_by_[kFailureReasons] = {};
  std::atomic<int64_t> in_flight_{0}, pending_{0}, sequences_{0};
  std::atomic<int64_t> last_used_ns_{0};
  std::atomic<int64_t> last_inference_us_{0};
  AtomicSum success_, fail_, queue_, compute_input_, compute_infer_, compute_output_;
  AtomicSum cache_hit_, cache_miss_;

  void Fail(FailureReason reason, uint64_t times, Duration lived);

  // Guarded by mu_.
  mutable std::mutex mu_;
  std::map<int64_t, BatchSizeCounters> by_batch_size_;  // at most max_batch_size entries
  std::vector<ResponseCounters> by_response_;
};

// `into` becomes the counters of both together.
void Merge(ModelCounters& into, const ModelCounters& other);

}  // namespace sarai::engine
