// How long fetches, loads and unloads took: the newest in a ring, for whoever turns them into
// metrics (ModelDownloadingTime, ModelLoadingTime, ModelUnloadingTime). Thread-safe.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"

namespace sarai::instance {

struct ModelEvent {
  enum class Kind { kFetch, kLoad, kUnload };
  uint64_t sequence = 0;  // ascending, no gaps
  WallTime at;            // its end
  Kind kind = Kind::kFetch;
  std::string model;
  Duration took{0};
  uint64_t bytes = 0;
  bool ok = true;
};

class EventLog {
 public:
  explicit EventLog(size_t capacity) : capacity_(capacity) {}

  void Add(ModelEvent event) {
    std::lock_guard lock(mu_);
    event.sequence = next_++;
    ring_.push_back(std::move(event));
    if (ring_.size() > capacity_) ring_.pop_front();
  }

  // Oldest first, those after `since`. A `since` from before a restart of the instance (greater
  // than any sequence here) gives all.
  std::vector<ModelEvent> Since(uint64_t since) const {
    std::lock_guard lock(mu_);
    if (since >= next_) since = 0;
    std::vector<ModelEvent> events;
    for (const ModelEvent& event : ring_)
      if (event.sequence > since) events.push_back(event);
    return events;
  }

 private:
  const size_t capacity_;
  mutable std::mutex mu_;
  std::deque<ModelEvent> ring_;  // guarded by mu_
  uint64_t next_ = 1;            // guarded by mu_
};

}  // namespace sarai::instance
