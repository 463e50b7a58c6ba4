#include "policy/batching.h"

#include <algorithm>

namespace sarai::policy {
namespace {

constexpr Duration kLongestTimeout = std::chrono::hours(24 * 365);
constexpr size_t kRequestsSeenMax = 4096;  // of models whose batches are larger than anybody's

using Head = std::span<const QueuedRequest>;

// The longest batch that the head of the queue allows, and where a preferred size ends in it.
struct Walk {
  size_t length = 0;     // requests
  int64_t total = 0;     // their batch sizes
  bool limited = false;  // it cannot grow: the next request does not fit
  size_t preferred = 0;  // requests up to the largest preferred size reached; 0 = none
  TimePoint oldest = TimePoint::max();
};

bool MayShare(const QueuedRequest& first, const QueuedRequest& next) {
  return !first.alone && !next.alone && first.shape_key == next.shape_key;
}

// As in Triton, a total that would jump over the largest preferred size counts as that size.
Walk WalkHead(Head head, const BatchLimits& limits, std::span<const int64_t> preferred) {
  Walk walk{.limited = head.front().alone};
  for (const QueuedRequest& next : head) {
    const int64_t total = walk.total + next.batch;
    const bool fits =
        walk.length == 0 || (total <= limits.max_batch_size && MayShare(head.front(), next));
    if (!fits) {
      walk.limited = true;
      break;
    }
    if (walk.length > 0 && total > preferred.back() && walk.preferred == 0) {
      walk.preferred = walk.length;
    }
    walk.total = total;
    walk.oldest = std::min(walk.oldest, next.arrived);
    ++walk.length;
    if (std::ranges::binary_search(preferred, total)) walk.preferred = walk.length;
  }
  return walk;
}

std::vector<int64_t> PreferredSizes(const BatchLimits& limits) {
  std::vector<int64_t> sizes;
  for (int64_t size : limits.batching.preferred_sizes) {
    if (size > 0 && size <= limits.max_batch_size) sizes.push_back(size);
  }
  std::ranges::sort(sizes);
  if (sizes.empty()) sizes.push_back(limits.max_batch_size);
  return sizes;
}

// How many requests of the walk run now; 0 = wait for more until `until`.
size_t CountToTake(const Walk& walk, const BatchLimits& limits, int64_t largest_preferred,
                   TimePoint until, TimePoint now) {
  const bool may_wait = limits.batching.max_queue_delay > Duration{0};
  const bool waited_enough = may_wait && now >= until;
  if (walk.preferred > 0 && !waited_enough) return walk.preferred;
  if (!may_wait || waited_enough || walk.limited || walk.total >= largest_preferred) {
    return walk.length;
  }
  return 0;
}

bool Batches(const BatchLimits& limits) {
  return limits.batching.enabled && limits.max_batch_size > 1;
}

// Zero = no bound.
Duration QueueTimeout(const QueueLimits& limits, Duration own) {
  const Duration general = std::min(limits.default_timeout, kLongestTimeout);
  if (!limits.allow_timeout_override || own <= Duration{0}) return general;
  const Duration bounded = std::min(own, kLongestTimeout);
  return general == Duration{0} ? bounded : std::min(general, bounded);
}

}  // namespace

uint64_t PriorityLevel(const BatchingSpec& batching, uint64_t asked) {
  if (batching.priority_levels == 0) return 1;
  if (asked >= 1 && asked <= batching.priority_levels) return asked;
  return std::clamp<uint64_t>(batching.default_priority_level, 1, batching.priority_levels);
}

const QueueLimits& LimitsOfLevel(const BatchingSpec& batching, uint64_t level) {
  const auto own = batching.queue_by_level.find(level);
  const bool levels = batching.priority_levels > 0;
  return levels && own != batching.queue_by_level.end() ? own->second : batching.queue;
}

WaitBounds BoundsOfWait(const QueueLimits& limits, Duration own_timeout, TimePoint arrived) {
  const Duration wait = QueueTimeout(limits, own_timeout);
  if (wait == Duration{0}) return {};
  if (limits.delay_when_expired) return {.demoted_at = arrived + wait};
  return {.expires = arrived + wait};
}

size_t RequestsToSee(const BatchLimits& limits) {
  if (!Batches(limits)) return 1;
  // One more than fits tells that the batch cannot grow.
  return std::min(static_cast<size_t>(limits.max_batch_size) + 1, kRequestsSeenMax);
}

BatchDecision NextBatch(std::span<const QueuedRequest> head, const BatchLimits& limits,
                        TimePoint now) {
  if (head.empty()) return {};
  if (!Batches(limits)) return {.take = 1};
  const std::vector<int64_t> preferred = PreferredSizes(limits);
  const Walk walk = WalkHead(head, limits, preferred);
  const TimePoint until = walk.oldest + limits.batching.max_queue_delay;
  const size_t take = CountToTake(walk, limits, preferred.back(), until, now);
  return {.take = take, .wake_at = take == 0 ? until : TimePoint::max()};
}

}  // namespace sarai::policy
