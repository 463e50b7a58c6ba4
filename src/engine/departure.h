// The end of one model: how many of its versions still hold memory, and who waits for the last.
// Shared by the model, its versions and the reaper. Any thread.
#pragma once

#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace sarai::engine {

class Departure {
 public:
  explicit Departure(int versions) : left_(versions) {}

  // `done` is called once, without a lock, when the last version is gone; inside this call if it
  // is gone already.
  void Await(std::function<void()> done) {
    {
      std::lock_guard lock(mu_);
      if (left_ > 0) {
        waiting_.push_back(std::move(done));
        return;
      }
    }
    done();
  }

  void OnVersionGone() {
    std::vector<std::function<void()>> tell;
    {
      std::lock_guard lock(mu_);
      if (--left_ > 0) return;
      tell.swap(waiting_);
    }
    for (const auto& done : tell) done();
  }

 private:
  std::mutex mu_;
  int left_;                                    // guarded by mu_
  std::vector<std::function<void()>> waiting_;  // guarded by mu_
};

}  // namespace sarai::engine
