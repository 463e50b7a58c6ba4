#include "base/cancellation.h"

namespace sarai {

void Cancellation::Cancel() {
  std::unique_lock lock(mu_);
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  runner_ = std::this_thread::get_id();
  while (!callbacks_.empty()) {
    auto node = callbacks_.extract(callbacks_.begin());
    running_ = node.key();
    lock.unlock();
    node.mapped()();
    node.mapped() = nullptr;  // what it holds goes without the lock
    lock.lock();
    running_ = 0;
    finished_.notify_all();
  }
}

uint64_t Cancellation::OnCancel(Callback callback) {
  {
    std::lock_guard lock(mu_);
    if (!cancelled()) {
      callbacks_.emplace(next_id_, std::move(callback));
      return next_id_++;
    }
  }
  callback();
  return 0;
}

void Cancellation::Remove(uint64_t id) {
  Callback removed;
  std::unique_lock lock(mu_);
  if (const auto found = callbacks_.find(id); found != callbacks_.end()) {
    removed = std::move(found->second);
    callbacks_.erase(found);
    lock.unlock();
    return;
  }
  if (runner_ == std::this_thread::get_id()) return;
  finished_.wait(lock, [&] { return running_ != id || id == 0; });
}

void Cancellation::Forget(uint64_t id) {
  Callback forgotten;  // what it holds goes without the lock
  std::lock_guard lock(mu_);
  const auto found = callbacks_.find(id);
  if (found == callbacks_.end()) return;
  forgotten = std::move(found->second);
  callbacks_.erase(found);
}

}  // namespace sarai
