#include "engine/lanes.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace sarai::engine {

Lanes::Lanes(int count, const Clock& clock, TakeTurn take_turn)
    : clock_(clock), take_turn_(std::move(take_turn)), count_(std::max(count, 1)) {
  busy_since_ = measured_from_ = clock_.Now();
  for (int i = 0; i < count_; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), "sarai-lane");
  }
}

Lanes::~Lanes() { Stop(); }

void Lanes::Schedule(std::shared_ptr<ServedVersion> version) {
  {
    std::lock_guard lock(mu_);
    if (stopping_) return;
    line_.push_back(std::move(version));
    if (asleep_ == 0 || busy_ >= count_) return;  // whoever ends a turn looks
  }
  wake_.notify_one();
}

bool Lanes::TryEnter() {
  std::lock_guard lock(mu_);
  if (stopping_ || !line_.empty() || busy_ >= count_) return false;
  CountBusy(+1);
  return true;
}

void Lanes::Leave() {
  {
    std::lock_guard lock(mu_);
    CountBusy(-1);
    if (line_.empty() && !stopping_) return;
  }
  wake_.notify_one();
}

void Lanes::Stop() {
  std::deque<std::shared_ptr<ServedVersion>> dropped;
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
    dropped.swap(line_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
}

void Lanes::Run() {
  std::unique_lock lock(mu_);
  while (true) {
    ++asleep_;
    wake_.wait(lock, [this] { return stopping_ || (!line_.empty() && busy_ < count_); });
    --asleep_;
    if (stopping_) return;
    const std::shared_ptr<ServedVersion> version = std::move(line_.front());
    line_.pop_front();
    CountBusy(+1);
    lock.unlock();
    take_turn_(version);
    lock.lock();
    CountBusy(-1);
  }
}

void Lanes::CountBusy(int change) {
  const TimePoint now = clock_.Now();
  busy_time_ += busy_ * (now - busy_since_);
  busy_since_ = now;
  busy_ += change;
}

double Lanes::TakeUtilization() {
  std::lock_guard lock(mu_);
  CountBusy(0);
  const Duration span = busy_since_ - measured_from_;
  const Duration busy = std::exchange(busy_time_, Duration{0});
  measured_from_ = busy_since_;
  if (span <= Duration{0}) return 0;
  const double share = static_cast<double>(busy.count()) /
                       (static_cast<double>(span.count()) * static_cast<double>(count_));
  return std::clamp(share, 0.0, 1.0);
}

}  // namespace sarai::engine
