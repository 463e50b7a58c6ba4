#include "engine/pending.h"

#include <algorithm>

#include "engine/validate.h"

namespace sarai::engine {
namespace {

constexpr char kTimeoutParameter[] = "timeout";
constexpr Duration kLongestTimeout = std::chrono::hours(24 * 365);

Status BadTimeout(const ModelSpec& spec) {
  return MakeStatus(Code::kInvalidArgument,
                    "model '{}': parameter 'timeout' must be a whole number of microseconds",
                    spec.name);
}

// The request's own timeout; zero = it has none.
Result<Duration> TimeoutParameter(const ModelSpec& spec, const Parameters& parameters) {
  const auto found = parameters.find(kTimeoutParameter);
  if (found == parameters.end()) return Duration{0};
  uint64_t us = 0;
  if (const auto* number = std::get_if<uint64_t>(&found->second)) {
    us = *number;
  } else if (const auto* whole = std::get_if<int64_t>(&found->second); whole && *whole >= 0) {
    us = static_cast<uint64_t>(*whole);
  } else {
    return Error(BadTimeout(spec));
  }
  constexpr uint64_t kMaxUs = kLongestTimeout / std::chrono::microseconds(1);
  return Duration(std::chrono::microseconds(std::min(us, kMaxUs)));
}

// Zero = no bound.
Duration QueueTimeout(const QueueLimits& limits, Duration own) {
  const Duration general = std::min(limits.default_timeout, kLongestTimeout);
  if (!limits.allow_timeout_override || own == Duration{0}) return general;
  return general == Duration{0} ? own : std::min(general, own);
}

}  // namespace

Result<Pending> MakePending(const ModelSpec& spec, InferRequest request, TimePoint now) {
  SARAI_TRY(const Duration own, TimeoutParameter(spec, request.parameters));
  SARAI_TRY(CheckedInputs checked, CheckRequest(spec, request));
  auto pending = std::make_unique<PendingRequest>();
  pending->inputs = std::move(checked.tensors);
  pending->batch = checked.batch;
  pending->shape_key = checked.shape_key;
  pending->arrived = now;
  pending->expires = request.deadline;
  if (const Duration wait = QueueTimeout(spec.batching.queue, own); wait > Duration{0}) {
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
