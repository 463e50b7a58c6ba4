// Lets one thread call off what others are doing, also while they wait.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/clock.h"

namespace sarai::store {

class Cancellation {
 public:
  void Cancel() {
    std::lock_guard lock(mu_);
    cancelled_ = true;
    changed_.notify_all();
  }
  bool cancelled() const { return cancelled_; }

  // Waits this long or until it is called off; whether the whole time went by.
  bool Sleep(Duration time) {
    std::unique_lock lock(mu_);
    return !changed_.wait_for(lock, time, [this] { return cancelled_.load(); });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::atomic<bool> cancelled_ = false;
};

}  // namespace sarai::store
