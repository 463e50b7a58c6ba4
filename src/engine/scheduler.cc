#include "engine/scheduler.h"

#include "engine/request_queue.h"

namespace sarai::engine {

std::unique_ptr<Scheduler> MakeScheduler(const ModelSpec& spec, uint32_t default_max_queue_size) {
  policy::BatchLimits limits{.max_batch_size = spec.max_batch_size, .batching = spec.batching};
  if (spec.decoupled) limits.batching.enabled = false;  // each request has responses of its own
  return std::make_unique<RequestQueue>(std::move(limits), default_max_queue_size);
}

}  // namespace sarai::engine
