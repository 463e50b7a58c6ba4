#include "engine/reaper.h"

#include <pthread.h>

#include <utility>

namespace sarai::engine {

Reaper::Reaper() {
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "sarai-reaper");
}

Reaper::~Reaper() { Stop(); }

void Reaper::Rest(std::shared_ptr<ServedVersion> version) {
  std::lock_guard lock(mu_);
  if (version->backend() != nullptr) untidy_.insert(version->backend());
  resting_.push_back(std::move(version));
  wake_.notify_one();
}

void Reaper::Tidy(backends::Backend* backend) {
  std::lock_guard lock(mu_);
  untidy_.insert(backend);
  wake_.notify_one();
}

void Reaper::Stop() {
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Reaper::Run() {
  std::unique_lock lock(mu_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !resting_.empty() || !untidy_.empty(); });
    if (resting_.empty() && untidy_.empty()) return;
    auto resting = std::exchange(resting_, {});
    auto untidy = std::exchange(untidy_, {});
    lock.unlock();
    for (const auto& version : resting) {
      version->Destroy();
      version->departure().OnVersionGone();
    }
    resting.clear();
    for (backends::Backend* backend : untidy) backend->ReleaseMemory();
    lock.lock();
  }
}

}  // namespace sarai::engine
