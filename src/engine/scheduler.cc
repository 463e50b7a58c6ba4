#include "engine/scheduler.h"

#include "engine/request_queue.h"

namespace sarai::engine {

std::unique_ptr<Scheduler> MakeScheduler(const ModelSpec& spec, uint32_t default_max_queue_size) {
  const uint32_t own = spec.batching.queue.max_queue_size;
  return std::make_unique<RequestQueue>(
      policy::BatchLimits{.max_batch_size = spec.max_batch_size, .batching = spec.batching},
      own > 0 ? own : default_max_queue_size);
}

}  // namespace sarai::engine
