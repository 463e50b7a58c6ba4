// One life of a host process, from its start to its death. A new process is a new life.
//
// Shared by the process's keeper (host_process.h) and by the models that live in it, which go on
// asking a dead one and get its cause of death. Thread-safe.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "backends/host/channel_pool.h"
#include "backends/host/host_options.h"
#include "backends/host/spawn.h"
#include "base/clock.h"
#include "base/status.h"

namespace sarai::backends::host {

class HostLife {
 public:
  // One call into the host. `doing` ("executing 'resnet'") completes the sentence when it dies.
  struct Call {
    Lane lane = Lane::kControl;
    CallKind kind = CallKind::kHello;
    std::span<const std::byte> message;
    const std::vector<Tensor>* tensors = nullptr;
    size_t data_bytes = 0;
    std::string doing;
  };
  // Reads a reply whose status was ok, while the channel's memory still holds it.
  using ReadReply = std::function<Status(Channel::Reply& reply)>;

  HostLife(const HostOptions& options, Spawned process,
           std::vector<std::unique_ptr<Channel>> channels, TimePoint born);

  // Errors: those of the host's reply, kResourceExhausted (no channel in time), kUnavailable: the
  // host died, before or during the call, or was killed because of it.
  Status Do(const Call& call, Duration timeout, const ReadReply& read);

  // The first reason given is the one that is told.
  void Kill(const std::string& reason);

  // For the keeper, in this order: the process has ended as `how` says ("died of signal 9
  // (Killed)"); then, when everybody knows that its models are lost, the calls under way may end.
  // A caller who asks again after its error thus never meets a model that only seems loaded.
  Status MarkDead(const std::string& how);
  void EndCalls();

  bool alive() const;
  int pid() const { return process_.pid; }
  int pidfd() const { return process_.pidfd.get(); }
  TimePoint born() const { return born_; }
  int calls_in_flight() const { return pool_.lent(); }

 private:
  Status Failed(const Status& why, const Call& call, Duration timeout);
  Status AwaitDeath();

  const std::string backend_;
  const Duration channel_wait_max_;
  const Spawned process_;
  const TimePoint born_;
  ChannelPool pool_;

  mutable std::mutex mu_;
  std::condition_variable died_;
  std::optional<std::string> kill_reason_;  // guarded by mu_
  std::optional<Status> death_;             // guarded by mu_
  bool calls_may_end_ = false;              // guarded by mu_
};

}  // namespace sarai::backends::host
