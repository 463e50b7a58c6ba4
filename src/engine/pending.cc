#include "engine/pending.h"

#include <algorithm>

#include "engine/validate.h"
#include "policy/batching.h"

namespace sarai::engine {
Result<Pending> MakePending(const ModelSpec& spec, InferRequest request, TimePoint now) {
  SARAI_TRY(CheckedInputs checked, CheckRequest(spec, request));
  auto pending = std::make_unique<PendingRequest>();
  pending->inputs = std::move(checked.tensors);
  pending->batch = checked.batch;
  pending->shape_key = checked.shape_key;
  pending->arrived = now;
  pending->level = policy::PriorityLevel(spec.batching, request.priority);
  const policy::WaitBounds bounds = policy::BoundsOfWait(
      policy::LimitsOfLevel(spec.batching, pending->level), request.timeout, now);
  pending->expires = std::min(request.deadline, bounds.expires);
  pending->demoted_at = bounds.demoted_at;
  pending->request = std::move(request);
  return pending;
}

}  // namespace sarai::engine
