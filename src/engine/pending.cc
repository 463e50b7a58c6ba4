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

bool MayBeginAgain(const ModelSpec& spec, const PendingRequest& pending) {
  const bool reshaped = std::ranges::any_of(
      spec.inputs, [&](const TensorSpec& input) { return spec.reshape.contains(input.name); });
  return !spec.sequence && !reshaped && !pending.alone && !pending.lost_before;
}

InferRequest RequestOf(PendingRequest& pending) {
  InferRequest request = std::move(pending.request);
  request.inputs = std::move(pending.inputs);
  request.raw_input = false;  // its name, type and shape are known by now
  return request;
}

}  // namespace sarai::engine
