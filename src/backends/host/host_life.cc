#include "backends/host/host_life.h"

#include <chrono>
#include <utility>

namespace sarai::backends::host {
namespace {

// Between a broken connection and the kernel's word that the process is gone.
constexpr Duration kDeathWaitMax = std::chrono::seconds(10);

const std::vector<Tensor> kNoTensors;

}  // namespace

HostLife::HostLife(const HostOptions& options, Spawned process,
                   std::vector<std::unique_ptr<Channel>> channels, TimePoint born)
    : backend_(options.backend),
      channel_wait_max_(options.channel_wait_max),
      process_(std::move(process)),
      born_(born),
      pool_(options.channels, std::move(channels)) {}

Status HostLife::Do(const Call& call, Duration timeout, const ReadReply& read) {
  const auto lease = pool_.Acquire(call.lane, channel_wait_max_);
  if (!lease) return lease.error().code() == Code::kUnavailable ? AwaitDeath() : lease.error();
  const auto& tensors = call.tensors == nullptr ? kNoTensors : *call.tensors;
  auto reply = (*lease)->Call(call.kind, call.message, tensors, call.data_bytes, timeout);
  if (!reply) return Failed(reply.error(), call, timeout);
  SARAI_CHECK_OK(ReadStatus(reply->message));
  Status status = read ? read(*reply) : Status();
  if (reply->message.ok()) return status;
  return Failed(Status(Code::kInternal, "its reply makes no sense"), call, timeout);
}

Status HostLife::Failed(const Status& why, const Call& call, Duration timeout) {
  switch (why.code()) {
    case Code::kUnavailable: break;
    case Code::kDeadlineExceeded:
      Kill(fmt::format("{} took longer than {:.0f} s", call.doing, Milliseconds(timeout) / 1000));
      break;
    case Code::kInternal: Kill(fmt::format("{}: {}", call.doing, why.message())); break;
    default: return why;  // nothing was sent
  }
  const Status death = AwaitDeath();
  return MakeStatus(Code::kUnavailable, "{}, while {}", death.message(), call.doing);
}

void HostLife::Kill(const std::string& reason) {
  {
    const std::lock_guard lock(mu_);
    if (death_ || kill_reason_) return;
    kill_reason_ = reason;
  }
  KillProcess(process_.pidfd);
}

Status HostLife::MarkDead(const std::string& how) {
  pool_.Close();
  const std::lock_guard lock(mu_);
  death_ =
      kill_reason_
          ? MakeStatus(Code::kUnavailable, "backend host '{}' (pid {}) was killed: {}", backend_,
                       pid(), *kill_reason_)
          : MakeStatus(Code::kUnavailable, "backend host '{}' (pid {}) {}", backend_, pid(), how);
  return *death_;
}

void HostLife::EndCalls() {
  const std::lock_guard lock(mu_);
  calls_may_end_ = true;
  died_.notify_all();
}

bool HostLife::alive() const {
  const std::lock_guard lock(mu_);
  return !death_;
}

Status HostLife::AwaitDeath() {
  std::unique_lock lock(mu_);
  if (died_.wait_for(lock, kDeathWaitMax, [&] { return calls_may_end_; })) return *death_;
  return MakeStatus(Code::kUnavailable, "backend host '{}' (pid {}) broke off", backend_, pid());
}

}  // namespace sarai::backends::host
