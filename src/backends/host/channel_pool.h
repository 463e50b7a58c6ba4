// A host's channels, lent to one caller at a time.
//
// Three kinds, so that slow work never keeps short work waiting: runs, loads, and the one channel
// for unloading and housekeeping. Within a kind the channel used last is lent first: its thread and
// its shared memory are warm, and few are touched at all under little load. Thread-safe.
#pragma once

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <vector>

#include "backends/host/channel.h"
#include "base/clock.h"
#include "base/status.h"

namespace sarai::backends::host {

enum class Lane { kRun, kLoad, kControl };

struct ChannelCounts {
  int run = 8;
  int load = 4;
  int total() const { return run + load + 1; }
};

class ChannelPool {
 public:
  class Lease {
   public:
    Lease(ChannelPool* pool, Lane lane, std::unique_ptr<Channel> channel)
        : pool_(pool), lane_(lane), channel_(std::move(channel)) {}
    Lease(Lease&&) = default;
    ~Lease() {
      if (channel_ != nullptr) pool_->Return(lane_, std::move(channel_));
    }
    Channel* operator->() const { return channel_.get(); }

   private:
    ChannelPool* pool_;
    Lane lane_;
    std::unique_ptr<Channel> channel_;
  };

  // `channels` in the order of counts: runs, loads, control.
  ChannelPool(const ChannelCounts& counts, std::vector<std::unique_ptr<Channel>> channels);

  // Waits for a free one. Errors: kResourceExhausted when none came free in time, kUnavailable
  // after Close.
  Result<Lease> Acquire(Lane lane, Duration wait_max);

  // Nobody gets a channel any more; waiting ones give up.
  void Close();

  int lent() const;

 private:
  void Return(Lane lane, std::unique_ptr<Channel> channel);
  std::vector<std::unique_ptr<Channel>>& FreeOf(Lane lane) {
    return free_[static_cast<size_t>(lane)];
  }

  const size_t total_;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  std::array<std::vector<std::unique_ptr<Channel>>, 3> free_;  // by Lane; guarded by mu_
  bool closed_ = false;                                        // guarded by mu_
};

}  // namespace sarai::backends::host
