// When requests of one model are run together. Pure: the queue as it stands and the time in, what
// to take, what to shed and when to look again out. Semantics: Triton's dynamic batcher
// (preferred sizes, queue delay; docs/user_guide/batcher.md).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "types/model_spec.h"

namespace sarai::policy {

// One waiting request, oldest first in the queue.
struct QueuedRequest {
  int64_t batch = 1;       // its own first dimension; 1 for models without batching
  uint64_t shape_key = 0;  // equal keys may share a batch (shapes beyond the first dim, input set)
  TimePoint arrived;
  TimePoint expires = TimePoint::max();  // queue timeout or the caller's deadline
};

struct BatchLimits {
  int64_t max_batch_size = 0;  // 0 = one request a run
  BatchingSpec batching;       // enabled == false: one request a run
};

struct BatchDecision {
  std::vector<size_t> shed;  // indexes of expired requests, ascending
  std::vector<size_t> take;  // indexes that run now as one batch; empty = not yet
  // Look again then at the latest: a batch in waiting is due, or one of those left has to be shed.
  TimePoint wake_at = TimePoint::max();
};

BatchDecision NextBatch(std::span<const QueuedRequest> queue, const BatchLimits& limits,
                        TimePoint now);

}  // namespace sarai::policy
