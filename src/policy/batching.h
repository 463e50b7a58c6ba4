// How long requests of one model wait, in which order they are served, and which run together.
// Pure: the head of the queue and the time in; how many to take and when to look again out.
// Semantics: Triton's dynamic batcher (preferred sizes, queue delay, priorities, queue policies;
// docs/user_guide/batcher.md).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "types/model_spec.h"

namespace sarai::policy {

// --- how long, and before whom -------------------------------------------------------------------

// The level of a request that asks for priority `asked`: 1 is served first. Without levels all are
// of level 1.
uint64_t PriorityLevel(const BatchingSpec& batching, uint64_t asked);

// What holds for the requests of one level.
const QueueLimits& LimitsOfLevel(const BatchingSpec& batching, uint64_t level);

struct WaitBounds {
  TimePoint expires = TimePoint::max();     // it is no longer worth running
  TimePoint demoted_at = TimePoint::max();  // it is served after all others of its level (DELAY)
};

// The model's queue timeout, and the request's own (0 = none) where the model allows one; the
// shorter counts.
WaitBounds BoundsOfWait(const QueueLimits& limits, Duration own_timeout, TimePoint arrived);

// --- which together ------------------------------------------------------------------------------

// One waiting request that may be run.
struct QueuedRequest {
  int64_t batch = 1;       // its own first dimension; 1 for models without batching
  uint64_t shape_key = 0;  // equal keys may share a batch (shapes beyond the first dim, input set)
  TimePoint arrived;
  bool alone = false;  // shares no batch
};

struct BatchLimits {
  int64_t max_batch_size = 0;  // 0 = one request a run
  BatchingSpec batching;       // enabled == false: one request a run
};

// Of a queue however long, NextBatch need not see more than so many requests from its head.
size_t RequestsToSee(const BatchLimits& limits);

struct BatchDecision {
  size_t take = 0;                       // the first so many run now as one batch; 0 = not yet
  TimePoint wake_at = TimePoint::max();  // a batch in waiting is due then
};

// `head`: the first requests in the order of service (by level; in time before the demoted; by
// arrival), none of them expired.
BatchDecision NextBatch(std::span<const QueuedRequest> head, const BatchLimits& limits,
                        TimePoint now);

}  // namespace sarai::policy
