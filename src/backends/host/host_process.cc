#include "backends/host/host_process.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <utility>
#include <vector>

#include "backends/host/host_arguments.h"
#include "base/log.h"

namespace sarai::backends::host {
namespace {

void Signal(const UniqueFd& event) { eventfd_write(event.get(), 1); }

void Drain(const UniqueFd& event) {
  eventfd_t count = 0;
  eventfd_read(event.get(), &count);
}

std::string_view SignalName(int number) {
  const char* name = sigdescr_np(number);
  return name == nullptr ? "unknown" : name;
}

// Waits for the end and says how it came.
std::string HowItEnded(int pidfd) {
  siginfo_t info{};
  if (waitid(P_PIDFD, static_cast<id_t>(pidfd), &info, WEXITED) != 0) return "is gone";
  if (info.si_code == CLD_EXITED)
    return fmt::format("ended by itself with code {}", info.si_status);
  return fmt::format("died of signal {} ({})", info.si_status, SignalName(info.si_status));
}

}  // namespace

HostProcess::HostProcess(const HostOptions& options)
    : options_(options),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      keeper_([this] { Keep(); }) {}

HostProcess::~HostProcess() {
  {
    const std::lock_guard lock(mu_);
    stopping_ = true;
  }
  Signal(wake_);
  keeper_.join();
}

Result<std::shared_ptr<HostLife>> HostProcess::Get() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [&] { return !starting_; });  // bounded: every start ends
  if (ready_) return life_;
  starting_ = true;
  lock.unlock();
  auto started = Start();
  lock.lock();
  starting_ = false;
  // It may have died again already: then it was never ready, and the next call of it says so.
  if (started && (*started)->alive()) ready_ = life_ == *started;
  changed_.notify_all();
  return started;
}

Result<std::shared_ptr<HostLife>> HostProcess::Start() {
  SARAI_CHECK_OK(AwaitBackoff());
  SARAI_TRY(auto life, AskForSpawn());
  const Status greeted = Greet(*life);
  if (greeted.ok()) return life;
  life->Kill("it did not start");
  std::unique_lock lock(mu_);
  changed_.wait(lock, [&] { return life_ != life; });
  return Error(greeted);
}

Status HostProcess::AwaitBackoff() {
  std::unique_lock lock(mu_);
  const Duration left = start_after_ - options_.clock->Now();
  if (left <= Duration::zero()) return {};
  if (left > options_.restart_wait_max)
    return MakeStatus(Code::kUnavailable, "{}; it may be started again in {:.1f} s",
                      last_death_.message(), Milliseconds(left) / 1000);
  changed_.wait_for(lock, left, [&] { return stopping_; });
  return {};
}

Result<std::shared_ptr<HostLife>> HostProcess::AskForSpawn() {
  std::unique_lock lock(mu_);
  spawn_asked_ = true;
  Signal(wake_);
  changed_.wait(lock, [&] { return !spawn_asked_ || stopping_; });
  if (stopping_) return Error(Code::kUnavailable, "the backend is being closed");
  if (!spawn_error_.ok()) return Error(spawn_error_);
  if (life_ == nullptr) return Error(last_death_);
  return life_;
}

Status HostProcess::Greet(HostLife& life) {
  const HostLife::Call hello{
      .lane = Lane::kControl, .kind = CallKind::kHello, .doing = "it was starting"};
  return life.Do(hello, options_.start_timeout, [this](Channel::Reply& reply) {
    std::string version = reply.message.Text();
    const std::lock_guard lock(mu_);
    runtime_version_ = std::move(version);
    return Status();
  });
}

std::shared_ptr<HostLife> HostProcess::current() const {
  const std::lock_guard lock(mu_);
  return ready_ ? life_ : nullptr;
}

void HostProcess::OnDeath(std::function<void(Status why)> callback) {
  const std::lock_guard lock(mu_);
  on_death_ = std::move(callback);
}

std::string HostProcess::runtime_version() const {
  const std::lock_guard lock(mu_);
  return runtime_version_;
}

void HostProcess::Keep() {
  std::unique_lock lock(mu_);
  while (!stopping_) {
    const std::shared_ptr<HostLife> life = life_;
    if (life == nullptr && spawn_asked_) {
      lock.unlock();
      auto spawned = SpawnLife();
      lock.lock();
      spawn_error_ = spawned ? Status() : spawned.error();
      if (spawned) life_ = *std::move(spawned);
      spawn_asked_ = false;
      changed_.notify_all();
      continue;
    }
    lock.unlock();
    Await(life);
    lock.lock();
  }
  changed_.notify_all();
  const std::shared_ptr<HostLife> life = std::exchange(life_, nullptr);
  ready_ = false;
  lock.unlock();
  if (life == nullptr) return;
  life->Kill("the backend is being closed");
  static_cast<void>(life->MarkDead(HowItEnded(life->pidfd())));
  life->EndCalls();
}

void HostProcess::Await(const std::shared_ptr<HostLife>& life) {
  pollfd entries[] = {{.fd = wake_.get(), .events = POLLIN, .revents = 0},
                      {.fd = life == nullptr ? -1 : life->pidfd(), .events = POLLIN, .revents = 0}};
  poll(entries, 2, -1);
  if (entries[0].revents != 0) Drain(wake_);
  if (entries[1].revents != 0) Bury(life);
}

Result<std::shared_ptr<HostLife>> HostProcess::SpawnLife() const {
  std::vector<std::unique_ptr<Channel>> channels;
  std::vector<Channel::HostEnd> ends(static_cast<size_t>(options_.channels.total()));
  std::vector<int> fds;
  for (Channel::HostEnd& end : ends) {
    SARAI_TRY(Channel channel, Channel::Make(options_.limits, end));
    channels.push_back(std::make_unique<Channel>(std::move(channel)));
    fds.insert(fds.end(), {end.socket.get(), end.request, end.response});
  }
  const HostArguments arguments{.backend = options_.backend,
                                .library = options_.library,
                                .channels = options_.channels.total(),
                                .parent_pid = getpid(),
                                .options = options_.backend_options};
  SARAI_TRY(Spawned spawned,
            Spawn(options_.host_executable, ToCommandLine(arguments), fds, options_.environment));
  LogInfo("backends", "started backend host '{}' (pid {})", options_.backend, spawned.pid);
  return std::make_shared<HostLife>(options_, std::move(spawned), std::move(channels),
                                    options_.clock->Now());
}

void HostProcess::Bury(const std::shared_ptr<HostLife>& life) {
  const Status death = life->MarkDead(HowItEnded(life->pidfd()));
  const TimePoint now = options_.clock->Now();
  std::function<void(Status)> callback;
  {
    const std::lock_guard lock(mu_);
    last_death_ = death;
    const Duration pause = policy::NextDelay(backoff_, now - life->born(), options_.backoff);
    start_after_ = now + pause;
    life_ = nullptr;
    if (std::exchange(ready_, false)) callback = on_death_;
    changed_.notify_all();
  }
  LogError("backends", "{}", death.message());
  if (callback) callback(death);
  life->EndCalls();
}

}  // namespace sarai::backends::host
