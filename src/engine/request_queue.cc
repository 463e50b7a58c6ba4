#include "engine/request_queue.h"

#include <algorithm>

namespace sarai::engine {
namespace {

// What the policy calls expiry is the queue's timeout: under DELAY it only moves a request back.
// The caller's own deadline always ends it; the queue sees to that itself then.
policy::QueuedRequest ViewOf(const PendingRequest& pending, bool delay) {
  return {.batch = pending.batch,
          .shape_key = pending.shape_key,
          .arrived = pending.arrived,
          .expires = delay ? pending.demoted_at : pending.expires};
}

// Moves the elements at the ascending indexes out; the others close up and keep their order.
template <typename T>
std::vector<T> Extract(std::vector<T>& items, const std::vector<size_t>& ascending) {
  std::vector<T> taken;
  taken.reserve(ascending.size());
  if (ascending.empty()) return taken;
  auto next = ascending.begin();
  size_t keep = ascending.front();
  for (size_t i = keep; i < items.size(); ++i) {
    if (next != ascending.end() && *next == i) {
      taken.push_back(std::move(items[i]));
      ++next;
    } else {
      items[keep++] = std::move(items[i]);
    }
  }
  items.erase(items.begin() + static_cast<ptrdiff_t>(keep), items.end());
  return taken;
}

}  // namespace

RequestQueue::RequestQueue(policy::BatchLimits limits, uint32_t max_size)
    : limits_(std::move(limits)),
      max_size_(max_size),
      delay_(limits_.batching.queue.delay_when_expired) {}

Status RequestQueue::Push(Pending& pending, TimePoint) {
  if (waiting_.size() >= max_size_)
    return MakeStatus(Code::kUnavailable,
                      "Exceeds maximum queue size: {} requests are waiting, the bound is {}",
                      waiting_.size(), max_size_);
  view_.push_back(ViewOf(*pending, delay_));
  waiting_.push_back(std::move(pending));
  return {};
}

void RequestQueue::PutBackAlone(std::vector<Pending> batch) {
  std::vector<policy::QueuedRequest> views;
  for (const Pending& pending : batch) {
    pending->alone = true;
    pending->shape_key = ++alone_keys_;
    views.push_back(ViewOf(*pending, delay_));
  }
  view_.insert(view_.begin(), views.begin(), views.end());
  waiting_.insert(waiting_.begin(), std::make_move_iterator(batch.begin()),
                  std::make_move_iterator(batch.end()));
}

RequestQueue::Taken RequestQueue::Take(TimePoint now) {
  Taken taken;
  if (delay_) taken = TakeExpired(now);
  policy::BatchDecision decision = policy::NextBatch(view_, limits_, now);
  taken.wake_at = std::min(taken.wake_at, decision.wake_at);
  // Both lists mean the queue as it was asked about, so all leave in one pass.
  std::ranges::sort(decision.take);
  std::vector<size_t> leaving;
  std::ranges::merge(decision.shed, decision.take, std::back_inserter(leaving));
  std::vector<Pending> left = Remove(leaving);
  for (size_t i = 0; i < left.size(); ++i) {
    const bool shed = std::ranges::binary_search(decision.shed, leaving[i]);
    (shed ? taken.expired : taken.batch).push_back(std::move(left[i]));
  }
  return taken;
}

RequestQueue::Taken RequestQueue::TakeExpired(TimePoint now) {
  Taken taken;
  std::vector<size_t> expired;
  for (size_t i = 0; i < waiting_.size(); ++i) {
    if (waiting_[i]->expires <= now) {
      expired.push_back(i);
    } else {
      taken.wake_at = std::min(taken.wake_at, waiting_[i]->expires);
    }
  }
  taken.expired = Remove(expired);
  return taken;
}

std::vector<Pending> RequestQueue::TakeAll() {
  view_.clear();
  return std::exchange(waiting_, {});
}

std::vector<Pending> RequestQueue::Remove(const std::vector<size_t>& ascending) {
  Extract(view_, ascending);
  return Extract(waiting_, ascending);
}

}  // namespace sarai::engine
