#include "store/parallel_parts.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace sarai::store {
namespace {

class Window {
 public:
  Window(uint64_t parts, uint64_t width) : parts_(parts), width_(width) {}

  // A worker's next part; nothing when there is no more to do.
  std::optional<uint64_t> Claim() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return failure_ || next_ == parts_ || next_ < delivered_ + width_; });
    if (failure_ || next_ == parts_) return std::nullopt;
    return next_++;
  }

  void Put(uint64_t index, std::string part) {
    std::lock_guard lock(mu_);
    ready_[index] = std::move(part);
    changed_.notify_all();
  }

  void Fail(Status failure) {
    {
      std::lock_guard lock(mu_);
      if (!failure_) failure_ = std::move(failure);
      changed_.notify_all();
    }
    cancellation.Cancel();
  }

  // The next part in order; nothing when all are delivered or one failed.
  std::optional<std::string> Take() {
    std::unique_lock lock(mu_);
    changed_.wait(lock,
                  [&] { return failure_ || delivered_ == parts_ || ready_.contains(delivered_); });
    if (failure_ || delivered_ == parts_) return std::nullopt;
    return std::move(ready_.extract(delivered_).mapped());
  }

  void Delivered() {
    std::lock_guard lock(mu_);
    ++delivered_;
    changed_.notify_all();
  }

  Status result() {
    std::lock_guard lock(mu_);
    return failure_.value_or(Status());
  }

  Cancellation cancellation;

 private:
  const uint64_t parts_;
  const uint64_t width_;
  std::mutex mu_;
  std::condition_variable changed_;
  uint64_t next_ = 0;                      // guarded by mu_: not yet claimed
  uint64_t delivered_ = 0;                 // guarded by mu_
  std::map<uint64_t, std::string> ready_;  // guarded by mu_
  std::optional<Status> failure_;          // guarded by mu_
};

void Work(Window& window, const FetchPart& fetch) {
  while (const auto index = window.Claim()) {
    try {
      auto part = fetch(*index, window.cancellation);
      if (!part) return window.Fail(std::move(part).error());
      window.Put(*index, std::move(*part));
    } catch (const std::exception& error) {
      return window.Fail(MakeStatus(Code::kResourceExhausted, "fetching a part: {}", error.what()));
    }
  }
}

Status DeliverOneByOne(uint64_t parts, const FetchPart& fetch, const TakePart& take) {
  Cancellation never;
  for (uint64_t index = 0; index < parts; ++index) {
    SARAI_TRY(std::string part, fetch(index, never));
    SARAI_CHECK_OK(take(std::move(part)));
  }
  return {};
}

}  // namespace

Status DeliverParts(uint64_t parts, int workers, const FetchPart& fetch, const TakePart& take) {
  const uint64_t width = std::min<uint64_t>(parts, static_cast<uint64_t>(std::max(workers, 1)));
  if (width <= 1) return DeliverOneByOne(parts, fetch, take);
  Window window(parts, width);
  std::vector<std::jthread> threads;
  try {
    for (uint64_t i = 0; i < width; ++i) threads.emplace_back([&] { Work(window, fetch); });
  } catch (const std::system_error& error) {
    if (threads.empty()) {
      return MakeStatus(Code::kResourceExhausted, "cannot start a thread: {}", error.what());
    }
  }
  while (auto part = window.Take()) {
    Status taken = take(std::move(*part));
    if (!taken.ok()) window.Fail(std::move(taken));
    window.Delivered();
  }
  threads.clear();  // joins
  return window.result();
}

}  // namespace sarai::store
