#include "engine/scheduler.h"

#include <utility>

#include "engine/request_queue.h"
#include "engine/sequence/sequence_scheduler.h"

namespace sarai::engine {

std::unique_ptr<Scheduler> MakeScheduler(const ModelSpec& spec, uint32_t default_max_queue_size,
                                         std::vector<Tensor> initial_states) {
  if (spec.sequence)
    return std::make_unique<SequenceScheduler>(
        spec, SequenceOptions{.max_waiting = default_max_queue_size}, std::move(initial_states));
  policy::BatchLimits limits{.max_batch_size = spec.max_batch_size, .batching = spec.batching};
  if (spec.decoupled) limits.batching.enabled = false;  // each request has responses of its own
  return std::make_unique<RequestQueue>(std::move(limits), default_max_queue_size);
}

}  // namespace sarai::engine
