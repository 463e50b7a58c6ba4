#include "engine/pending.h"

#include <algorithm>

#include "engine/validate.h"

namespace sarai::engine {
namespace {

constexpr Duration kLongestTimeout = std::chrono::hours(24 * 365);

// Zero = no bound.
Duration QueueTimeout(const QueueLimits& limits, Duration own) {
  const Duration general = std::min(limits.default_timeout, kLongestTimeout);
  if (!limits.allow_timeout_override || own == Duration{0}) return general;
  return general == Duration{0} ? own : std::min(general, own);
}

}  // namespace

Result<Pending> MakePending(const ModelSpec& spec, InferRequest request, TimePoint now) {
  SARAI_TRY(CheckedInputs checked, CheckRequest(spec, request));
  auto pending = std::make_unique<PendingRequest>();
  pending->inputs = std::move(checked.tensors);
  pending->batch = checked.batch;
  pending->shape_key = checked.shape_key;
  pending->arrived = now;
  pending->expires = request.deadline;
  if (const Duration wait = QueueTimeout(spec.batching.queue, request.timeout);
      wait > Duration{0}) {
    if (spec.batching.queue.delay_when_expired) {
      pending->demoted_at = now + wait;
    } else {
      pending->expires = std::min(pending->expires, now + wait);
    }
  }
  pending->request = std::move(request);
  return pending;
}

}  // namespace sarai::engine
