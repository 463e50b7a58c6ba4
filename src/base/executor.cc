#include "base/executor.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace sarai {

ThreadPool::ThreadPool(std::string name, int threads) {
  name.resize(std::min<size_t>(name.size(), 15));
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), name.c_str());
  }
}

ThreadPool::~ThreadPool() { Stop(); }

void ThreadPool::Post(Task task) { PostAt(TimePoint::min(), std::move(task)); }

void ThreadPool::PostAt(TimePoint when, Task task) {
  {
    std::lock_guard lock(mu_);
    if (stopping_) return;
    tasks_.emplace(when, std::move(task));
  }
  wake_.notify_one();
}

void ThreadPool::Stop() {
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
  // Dropped tasks may own what posts here again: let them go without the lock.
  std::multimap<TimePoint, Task> dropped;
  std::lock_guard lock(mu_);
  dropped.swap(tasks_);
}

void ThreadPool::Run() {
  std::unique_lock lock(mu_);
  while (!stopping_) {
    if (tasks_.empty()) {
      wake_.wait(lock);
      continue;
    }
    auto next = tasks_.begin();
    const TimePoint due = next->first;  // another thread may take the task while this one waits
    if (due > std::chrono::steady_clock::now()) {
      wake_.wait_until(lock, due);
      continue;
    }
    Task task = std::move(next->second);
    tasks_.erase(next);
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

int ManualExecutor::RunDue() {
  int ran = 0;
  while (!tasks_.empty() && tasks_.begin()->first <= clock_.Now()) {
    Task task = std::move(tasks_.begin()->second);
    tasks_.erase(tasks_.begin());
    task();
    ++ran;
  }
  return ran;
}

void ManualExecutor::RunFor(Duration by) {
  const TimePoint end = clock_.Now() + by;
  RunDue();
  while (!tasks_.empty() && tasks_.begin()->first <= end) {
    clock_.Advance(tasks_.begin()->first - clock_.Now());
    RunDue();
  }
  clock_.Advance(end - clock_.Now());
}

}  // namespace sarai
