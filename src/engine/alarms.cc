#include "engine/alarms.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace sarai::engine {
namespace {

// Deadlines may lie beyond what a wait can be asked for.
constexpr Duration kLongestNap = std::chrono::hours(1);

}  // namespace

Alarms::Alarms(const Clock& clock, Ring ring) : clock_(clock), ring_(std::move(ring)) {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "sarai-alarms");
}

Alarms::~Alarms() { Stop(); }

void Alarms::Set(std::shared_ptr<ServedVersion> version, TimePoint at) {
  std::lock_guard lock(mu_);
  if (stopping_) return;
  const ServedVersion* const key = version.get();
  const auto set = alarms_.find(key);
  if (set != alarms_.end()) {
    if (set->second.at <= at) return;
    order_.erase({set->second.at, key});
    set->second.at = at;
  } else {
    alarms_.emplace(key, Alarm{std::move(version), at});
  }
  order_.emplace(at, key);
  if (order_.begin()->second == key) wake_.notify_one();
}

void Alarms::Forget(const ServedVersion& version) {
  std::lock_guard lock(mu_);
  const auto set = alarms_.find(&version);
  if (set == alarms_.end()) return;
  order_.erase({set->second.at, &version});
  alarms_.erase(set);
}

void Alarms::OnClockMoved() {
  std::lock_guard lock(mu_);
  wake_.notify_one();
}

void Alarms::Stop() {
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Alarms::Run() {
  std::unique_lock lock(mu_);
  while (!stopping_) {
    if (const auto due = PopDue()) {
      lock.unlock();
      ring_(due);
      lock.lock();
    } else if (order_.empty()) {
      wake_.wait(lock);
    } else {
      wake_.wait_for(lock, std::min(order_.begin()->first - clock_.Now(), kLongestNap));
    }
  }
}

std::shared_ptr<ServedVersion> Alarms::PopDue() {
  if (order_.empty() || order_.begin()->first > clock_.Now()) return nullptr;
  const auto found = alarms_.find(order_.begin()->second);
  std::shared_ptr<ServedVersion> version = std::move(found->second.version);
  alarms_.erase(found);
  order_.erase(order_.begin());
  return version;
}

}  // namespace sarai::engine
