#include "backends/host/channel_pool.h"

#include <utility>

namespace sarai::backends::host {

ChannelPool::ChannelPool(const ChannelCounts& counts,
                         std::vector<std::unique_ptr<Channel>> channels)
    : total_(channels.size()) {
  const auto runs = static_cast<size_t>(counts.run);
  const auto loads = static_cast<size_t>(counts.load);
  for (size_t i = 0; i < channels.size(); ++i) {
    const Lane lane = i < runs ? Lane::kRun : i < runs + loads ? Lane::kLoad : Lane::kControl;
    FreeOf(lane).push_back(std::move(channels[i]));
  }
}

Result<ChannelPool::Lease> ChannelPool::Acquire(Lane lane, Duration wait_max) {
  std::unique_lock lock(mu_);
  auto& free = FreeOf(lane);
  const bool came = changed_.wait_for(lock, wait_max, [&] { return closed_ || !free.empty(); });
  if (closed_) return Error(Code::kUnavailable, "the backend host has ended");
  if (!came)
    return Error(Code::kResourceExhausted,
                 "all channels to the backend host were busy for {:.1f} s",
                 Milliseconds(wait_max) / 1000);
  std::unique_ptr<Channel> channel = std::move(free.back());
  free.pop_back();
  return Lease(this, lane, std::move(channel));
}

void ChannelPool::Close() {
  const std::lock_guard lock(mu_);
  closed_ = true;
  changed_.notify_all();
}

int ChannelPool::lent() const {
  const std::lock_guard lock(mu_);
  size_t free = 0;
  for (const auto& channels : free_) free += channels.size();
  return static_cast<int>(total_ - free);
}

void ChannelPool::Return(Lane lane, std::unique_ptr<Channel> channel) {
  channel->Trim();
  const std::lock_guard lock(mu_);
  FreeOf(lane).push_back(std::move(channel));
  changed_.notify_all();
}

}  // namespace sarai::backends::host
