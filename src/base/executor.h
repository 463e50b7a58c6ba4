// Seam 2 of 6: who runs a task, and when. A strand is an Executor with one thread: its tasks never
// overlap, so what only they touch needs no lock.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace sarai {

using Task = std::move_only_function<void()>;

class Executor {
 public:
  virtual ~Executor() = default;
  // Runs the task soon, never inside the call. Tasks posted after Stop are dropped.
  virtual void Post(Task task) = 0;
  // Runs the task not before `when`; equal times run in the order of posting.
  virtual void PostAt(TimePoint when, Task task) = 0;
};

// Real threads over one ordered queue. Destruction stops: running tasks end, waiting ones are
// dropped.
class ThreadPool final : public Executor {
 public:
  // `name` is what `top -H` shows (15 characters at most).
  ThreadPool(std::string name, int threads);
  ~ThreadPool() override;

  void Post(Task task) override;
  void PostAt(TimePoint when, Task task) override;

  // Ends the threads; idempotent. Must not be called from one of them.
  void Stop();

 private:
  void Run();

  std::mutex mu_;
  std::condition_variable wake_;
  std::multimap<TimePoint, Task> tasks_;  // by due time, then by posting; guarded by mu_
  bool stopping_ = false;                 // guarded by mu_
  std::vector<std::thread> threads_;
};

// Runs nothing by itself: a test steps it. One thread only.
class ManualExecutor final : public Executor {
 public:
  explicit ManualExecutor(ManualClock& clock) : clock_(clock) {}
  void Post(Task task) override { PostAt(clock_.Now(), std::move(task)); }
  void PostAt(TimePoint when, Task task) override { tasks_.emplace(when, std::move(task)); }

  // Runs all that is due now, and what that posts for now; returns how many ran.
  int RunDue();
  // Moves the clock by `by`, stopping at each due task on the way to run it.
  void RunFor(Duration by);

 private:
  ManualClock& clock_;
  std::multimap<TimePoint, Task> tasks_;
};

}  // namespace sarai
