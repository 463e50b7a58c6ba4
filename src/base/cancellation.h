// Whoever waits for an answer may stop waiting. One object per request, shared by the front end
// that sees the client leave and by everybody who could save the work.
//
// Threads: any. Invariant: a callback runs at most once, and never after Remove has returned,
// unless Remove was called from inside a callback; it does not begin after Forget has returned.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace sarai {

class Cancellation {
 public:
  using Callback = std::move_only_function<void()>;

  // Idempotent. Callbacks run on this thread, without a lock.
  void Cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }

  // Runs `callback` when it is cancelled; inside this call when it is already (the result is 0).
  uint64_t OnCancel(Callback callback);
  void Remove(uint64_t id);  // waits for a callback that runs on another thread
  void Forget(uint64_t id);  // does not wait: the callback may be running, and runs to its end

 private:
  std::atomic<bool> cancelled_ = false;

  std::mutex mu_;
  std::condition_variable finished_;
  std::map<uint64_t, Callback> callbacks_;  // guarded by mu_
  uint64_t next_id_ = 1;                    // guarded by mu_
  uint64_t running_ = 0;                    // id of the callback that runs; guarded by mu_
  std::thread::id runner_;                  // guarded by mu_
};

// Null: cannot be cancelled.
using CancellationPtr = std::shared_ptr<Cancellation>;

inline bool IsCancelled(const CancellationPtr& cancellation) {
  return cancellation != nullptr && cancellation->cancelled();
}

}  // namespace sarai
