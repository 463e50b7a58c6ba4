#include "engine/request_queue.h"

#include <algorithm>
#include <utility>

namespace sarai::engine {
namespace {

constexpr uint64_t kPutBackLevel = 0;
constexpr size_t kEmptyLevelsMax = 16;  // kept for the next request of theirs

policy::QueuedRequest ViewOf(const PendingRequest& pending) {
  return {.batch = pending.batch,
          .shape_key = pending.shape_key,
          .arrived = pending.arrived,
          .alone = pending.alone};
}

bool MayLeaveFromTheMiddle(const PendingRequest& pending) {
  return pending.expires != TimePoint::max() || pending.demoted_at != TimePoint::max() ||
         pending.request.cancellation != nullptr;
}

}  // namespace

RequestQueue::RequestQueue(policy::BatchLimits limits, uint32_t default_max_size)
    : limits_(std::move(limits)),
      default_max_size_(default_max_size),
      head_size_(policy::RequestsToSee(limits_)) {}

Status RequestQueue::Push(Pending& pending, TimePoint) {
  const uint32_t own = policy::LimitsOfLevel(limits_.batching, pending->level).max_queue_size;
  Level& level = levels_[pending->level];
  const size_t waiting = own > 0 ? level.size() : size_;
  const size_t bound = own > 0 ? own : default_max_size_;
  if (waiting >= bound)
    return MakeStatus(Code::kUnavailable,
                      "Exceeds maximum queue size: {} requests are waiting, the bound is {}",
                      waiting, bound);
  level.in_time.push_back(std::move(pending));
  ++size_;
  Index(level.in_time, std::prev(level.in_time.end()));
  return {};
}

void RequestQueue::PutBackAlone(std::vector<Pending> batch) {
  Line& line = levels_[kPutBackLevel].in_time;
  const auto head = line.begin();
  for (Pending& pending : batch) {
    pending->alone = true;
    Index(line, line.insert(head, std::move(pending)));
    ++size_;
  }
}

RequestQueue::Taken RequestQueue::Take(TimePoint now) {
  Taken taken = TakeExpired(now);
  Demote(now);
  head_.clear();
  VisitInOrder([&](Line& line, Line::iterator at) {
    if (IsCancelled((*at)->request.cancellation)) {
      taken.expired.push_back(Remove(line, at));
      return true;
    }
    head_.push_back(ViewOf(**at));
    return head_.size() < head_size_;
  });
  const policy::BatchDecision decision = policy::NextBatch(head_, limits_, now);
  taken.wake_at = std::min(taken.wake_at, decision.wake_at);
  if (decision.take == 0) return taken;
  taken.batch.reserve(decision.take);
  VisitInOrder([&](Line& line, Line::iterator at) {
    taken.batch.push_back(Remove(line, at));
    return taken.batch.size() < decision.take;
  });
  DropEmptyLevels();
  return taken;
}

RequestQueue::Taken RequestQueue::TakeExpired(TimePoint now) {
  Taken taken;
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const Place place = places_.at(expiries_.begin()->second);
    taken.expired.push_back(Remove(*place.line, place.at));
  }
  if (!expiries_.empty()) taken.wake_at = expiries_.begin()->first;
  return taken;
}

std::vector<Pending> RequestQueue::TakeCancelled(const PendingRequest* request, TimePoint) {
  std::vector<Pending> taken;
  const auto found = places_.find(request);
  // Another request may have come to live at the same address.
  if (found == places_.end() || !IsCancelled((*found->second.at)->request.cancellation))
    return taken;
  const Place place = found->second;
  taken.push_back(Remove(*place.line, place.at));
  return taken;
}

std::vector<Pending> RequestQueue::TakeAll() {
  std::vector<Pending> all;
  all.reserve(size_);
  VisitInOrder([&](Line&, Line::iterator at) {
    all.push_back(std::move(*at));
    return true;
  });
  places_.clear();
  expiries_.clear();
  demotions_.clear();
  levels_.clear();
  size_ = 0;
  return all;
}

void RequestQueue::Index(Line& line, Line::iterator at) {
  const PendingRequest& pending = **at;
  if (!MayLeaveFromTheMiddle(pending)) return;
  Place place{.line = &line, .at = at, .expiry = expiries_.end(), .demotion = demotions_.end()};
  if (pending.expires != TimePoint::max())
    place.expiry = expiries_.emplace(pending.expires, &pending);
  if (pending.demoted_at != TimePoint::max() && !pending.alone)
    place.demotion = demotions_.emplace(pending.demoted_at, &pending);
  places_.emplace(&pending, place);
}

Pending RequestQueue::Remove(Line& line, Line::iterator at) {
  if (const auto found = places_.find(at->get()); found != places_.end()) {
    const Place& place = found->second;
    if (place.expiry != expiries_.end()) expiries_.erase(place.expiry);
    if (place.demotion != demotions_.end()) demotions_.erase(place.demotion);
    places_.erase(found);
  }
  Pending removed = std::move(*at);
  line.erase(at);
  --size_;
  return removed;
}

void RequestQueue::Demote(TimePoint now) {
  while (!demotions_.empty() && demotions_.begin()->first <= now) {
    Place& place = places_.at(demotions_.begin()->second);
    Line& demoted = levels_[(*place.at)->level].demoted;
    demoted.splice(demoted.end(), *place.line, place.at);
    place.line = &demoted;
    demotions_.erase(std::exchange(place.demotion, demotions_.end()));
  }
}

void RequestQueue::DropEmptyLevels() {
  if (levels_.size() <= kEmptyLevelsMax) return;
  std::erase_if(levels_, [](const auto& level) { return level.second.size() == 0; });
}

template <typename Visit>
void RequestQueue::VisitInOrder(Visit visit) {
  for (auto& [number, level] : levels_) {
    for (Line* line : {&level.in_time, &level.demoted}) {
      for (auto at = line->begin(); at != line->end();) {
        if (!visit(*line, std::exchange(at, std::next(at)))) return;
      }
    }
  }
}

}  // namespace sarai::engine
