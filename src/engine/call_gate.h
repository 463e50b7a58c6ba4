// Lets calls from outside in as long as their target lives: who may call late (a cancellation, a
// backend's thread) holds a share of the gate and asks it first. Any thread.
#pragma once

#include <condition_variable>
#include <mutex>

namespace sarai::engine {

class CallGate {
 public:
  // Calls unless the gate is closed.
  template <typename Call>
  void Enter(Call call) {
    {
      std::lock_guard lock(mu_);
      if (closed_) return;
      ++inside_;
    }
    call();
    std::lock_guard lock(mu_);
    --inside_;
    left_.notify_all();
  }

  // Waits for the calls that are inside. Not from one of them.
  void Close() {
    std::unique_lock lock(mu_);
    closed_ = true;
    left_.wait(lock, [this] { return inside_ == 0; });
  }

 private:
  std::mutex mu_;
  std::condition_variable left_;
  int inside_ = 0;       // guarded by mu_
  bool closed_ = false;  // guarded by mu_
};

}  // namespace sarai::engine
