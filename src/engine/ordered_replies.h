// Answers of one model's batches in the order in which the batches were taken, whichever ends
// first (`preserve_ordering`). Any thread; responders are called without a lock and never two
// batches' at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>

namespace sarai::engine {

class OrderedReplies {
 public:
  using Reply = std::move_only_function<void()>;

  // Every number from 0 on is delivered exactly once. Calls what is due in this thread, unless
  // another one is at it: then that one does.
  void Deliver(uint64_t sequence, Reply reply) {
    std::unique_lock lock(mu_);
    waiting_.emplace(sequence, std::move(reply));
    if (delivering_) return;
    delivering_ = true;
    while (!waiting_.empty() && waiting_.begin()->first == next_) {
      Reply due = std::move(waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      lock.unlock();
      due();
      lock.lock();
      ++next_;
    }
    delivering_ = false;
  }

 private:
  std::mutex mu_;
  std::map<uint64_t, Reply> waiting_;  // guarded by mu_
  uint64_t next_ = 0;                  // guarded by mu_
  bool delivering_ = false;            // guarded by mu_
};

}  // namespace sarai::engine
