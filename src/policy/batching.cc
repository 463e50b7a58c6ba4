#include "policy/batching.h"

#include <algorithm>

namespace sarai::policy {
namespace {

using Queue = std::span<const QueuedRequest>;

// The queue in the order of service: those in time, then, if they are only delayed, the expired.
struct Sorted {
  std::vector<size_t> order;
  std::vector<size_t> shed;
  size_t in_time = 0;  // the first so many of `order`
};

Sorted SortByExpiry(Queue queue, const QueueLimits& limits, TimePoint now) {
  Sorted sorted;
  std::vector<size_t> expired;
  for (size_t i = 0; i < queue.size(); ++i) {
    (queue[i].expires <= now ? expired : sorted.order).push_back(i);
  }
  sorted.in_time = sorted.order.size();
  if (limits.delay_when_expired) {
    sorted.order.insert(sorted.order.end(), expired.begin(), expired.end());
  } else {
    sorted.shed = std::move(expired);
  }
  return sorted;
}

// The longest batch that the head of the queue allows, and where a preferred size ends in it.
struct Walk {
  size_t length = 0;     // requests
  int64_t total = 0;     // their batch sizes
  bool limited = false;  // it cannot grow: the next request does not fit
  size_t preferred = 0;  // requests up to the largest preferred size reached; 0 = none
};

// As in Triton, a total that would jump over the largest preferred size counts as that size.
Walk WalkQueue(Queue queue, std::span<const size_t> order, const BatchLimits& limits,
               std::span<const int64_t> preferred) {
  Walk walk;
  for (size_t i : order) {
    const QueuedRequest& next = queue[i];
    const int64_t total = walk.total + next.batch;
    const bool fits = walk.length == 0 || (total <= limits.max_batch_size &&
                                           next.shape_key == queue[order[0]].shape_key);
    if (!fits) {
      walk.limited = true;
      break;
    }
    if (walk.length > 0 && total > preferred.back() && walk.preferred == 0) {
      walk.preferred = walk.length;
    }
    walk.total = total;
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

TimePoint OldestArrival(Queue queue, std::span<const size_t> order) {
  TimePoint oldest = TimePoint::max();
  for (size_t i : order) oldest = std::min(oldest, queue[i].arrived);
  return oldest;
}

// The next moment at which a request has to be shed.
TimePoint NextShed(Queue queue, std::span<const size_t> in_time, const QueueLimits& limits) {
  TimePoint next = TimePoint::max();
  if (limits.delay_when_expired) return next;
  for (size_t i : in_time) next = std::min(next, queue[i].expires);
  return next;
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

}  // namespace

BatchDecision NextBatch(std::span<const QueuedRequest> queue, const BatchLimits& limits,
                        TimePoint now) {
  Sorted sorted = SortByExpiry(queue, limits.batching.queue, now);
  const std::span<const size_t> order = sorted.order;
  BatchDecision decision{.shed = std::move(sorted.shed)};
  if (order.empty()) return decision;
  size_t count = 1;
  if (limits.batching.enabled && limits.max_batch_size > 1) {
    const std::vector<int64_t> preferred = PreferredSizes(limits);
    const Walk walk = WalkQueue(queue, order, limits, preferred);
    const TimePoint until =
        OldestArrival(queue, order.first(walk.length)) + limits.batching.max_queue_delay;
    count = CountToTake(walk, limits, preferred.back(), until, now);
    if (count == 0) decision.wake_at = until;
  }
  decision.take.assign(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count));
  const size_t in_time_taken = std::min(count, sorted.in_time);
  const auto in_time_left = order.subspan(in_time_taken, sorted.in_time - in_time_taken);
  decision.wake_at =
      std::min(decision.wake_at, NextShed(queue, in_time_left, limits.batching.queue));
  return decision;
}

}  // namespace sarai::policy
