#include "control/providers/process_provider.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/executor.h"
#include "base/log.h"
#include "base/strings.h"
#include "control/providers/child_process.h"
#include "control/providers/instance_command.h"

namespace sarai::control {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMaxLineBytes = 4096;  // of output searched for the ready line
constexpr int kMaxReadsAtOnce = 16;
constexpr int64_t kMaxLastLineBytes = 512;
constexpr std::string_view kTrashPrefix = ".trash-";

struct Command {
  enum class Kind { kStart, kStop, kKill, kShutdown };
  Kind kind = Kind::kStart;
  InstanceLaunch launch;  // kStart: all of it; kStop, kKill: the id
};

// Commands from any thread to the one that polls.
class Mailbox {
 public:
  Mailbox() : wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  void Put(Command command) {
    {
      std::lock_guard lock(mu_);
      commands_.push_back(std::move(command));
    }
    eventfd_write(wake_.get(), 1);
  }

  std::vector<Command> TakeAll() {
    eventfd_t ignored = 0;
    eventfd_read(wake_.get(), &ignored);
    std::lock_guard lock(mu_);
    return std::exchange(commands_, {});
  }

  int fd() const { return wake_.get(); }

 private:
  UniqueFd wake_;
  std::mutex mu_;
  std::vector<Command> commands_;  // guarded by mu_
};

struct Child {
  std::string id;
  ChildProcess process;
  std::string line;  // of output, not complete yet
  bool said_address = false;
  bool output_open = true;
  int64_t log_begin = 0;             // of its own lines in its log
  std::optional<TimePoint> kill_at;  // set once it was told to end
};

// What a program says last is usually why it ended.
std::string LastLine(const std::string& path, int64_t begin) {
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) return "";
  const int64_t end = lseek(file.get(), 0, SEEK_END);
  std::string tail(static_cast<size_t>(std::clamp<int64_t>(end - begin, 0, kMaxLastLineBytes)),
                   ' ');
  const ssize_t count =
      pread(file.get(), tail.data(), tail.size(), end - static_cast<int64_t>(tail.size()));
  tail.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  const std::string_view text = Trim(tail);
  return std::string(text.substr(text.rfind('\n') + 1));
}

class ProcessProvider final : public InstanceProvider {
 public:
  ProcessProvider(fs::path directory, LaunchOptions options, ProviderEvents events)
      : directory_(std::move(directory)),
        options_(std::move(options)),
        events_(std::move(events)),
        disposal_("disposal", 1),
        thread_([this] { Run(); }) {}

  ~ProcessProvider() override { Shutdown(); }

  void Start(InstanceLaunch launch) override {
    mailbox_.Put({Command::Kind::kStart, std::move(launch)});
  }
  void Stop(std::string_view id) override { Tell(Command::Kind::kStop, id); }
  void Kill(std::string_view id) override { Tell(Command::Kind::kKill, id); }
  void Forget(std::string_view id) override;
  void ForgetAllBut(const std::set<std::string>& known) override;
  std::string LogOf(std::string_view id) const override {
    return (directory_ / "logs" / fmt::format("{}.log", id)).string();
  }
  void Shutdown() override;

 private:
  void Tell(Command::Kind kind, std::string_view id) {
    mailbox_.Put({kind, InstanceLaunch{.id = std::string(id)}});
  }
  fs::path HomeOf(std::string_view id) const { return directory_ / "instances" / id; }
  void Dispose(const fs::path& home);
  void PruneLogs(const std::set<std::string>& known);

  // All below on thread_.
  void Run();
  void Obey(Command command);
  void StartChild(const InstanceLaunch& launch);
  Result<UniqueFd> OpenLog(const std::string& id) const;
  Result<ChildProcess> Spawn(const InstanceLaunch& launch, int log) const;
  void StopChild(Child& child);
  void Wait();
  void ReadOutput(Child& child);
  void SearchLines(Child& child);
  void ReapEnded();
  void KillOverdue();
  int PollTimeoutMs() const;
  static TimePoint Now() { return std::chrono::steady_clock::now(); }

  const fs::path directory_;
  const LaunchOptions options_;
  const ProviderEvents events_;
  Mailbox mailbox_;
  ThreadPool disposal_;        // deletes what was forgotten; deleting may take long
  std::list<Child> children_;  // thread_ only
  bool ending_ = false;        // thread_ only
  std::thread thread_;         // last: it uses all above
};

void ProcessProvider::Forget(std::string_view id) { Dispose(HomeOf(id)); }

// The folder leaves its place at once, so that what is deleted half is never taken for a disk tier.
void ProcessProvider::Dispose(const fs::path& home) {
  std::error_code error;
  fs::path trash = home;
  if (!home.filename().string().starts_with(kTrashPrefix)) {
    trash = home.parent_path() / fmt::format("{}{}", kTrashPrefix, home.filename().string());
    fs::remove_all(trash, error);
    fs::rename(home, trash, error);
    if (error) return;  // it never had one
  }
  disposal_.Post([trash] {
    std::error_code failure;
    fs::remove_all(trash, failure);
    if (failure) LogWarning("control", "cannot delete '{}': {}", trash.string(), failure.message());
  });
}

void ProcessProvider::ForgetAllBut(const std::set<std::string>& known) {
  std::error_code error;
  std::vector<fs::path> stale;
  for (const auto& entry : fs::directory_iterator(directory_ / "instances", error))
    if (!known.contains(entry.path().filename().string())) stale.push_back(entry.path());
  for (const fs::path& home : stale) Dispose(home);
  PruneLogs(known);
}

// Logs of forgotten instances are what explains a failed endpoint: the newest ones stay.
void ProcessProvider::PruneLogs(const std::set<std::string>& known) {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> old;
  for (const auto& entry : fs::directory_iterator(directory_ / "logs", error)) {
    const std::string file = entry.path().filename().string();
    if (!known.contains(file.substr(0, file.rfind(".log"))))
      old.emplace_back(entry.last_write_time(error), entry.path());
  }
  std::ranges::sort(old, std::greater());
  for (size_t i = options_.max_old_logs; i < old.size(); ++i) fs::remove(old[i].second, error);
}

void ProcessProvider::Shutdown() {
  if (!thread_.joinable()) return;
  mailbox_.Put({Command::Kind::kShutdown, {}});
  thread_.join();
  disposal_.Stop();
}

void ProcessProvider::Run() {
  while (!ending_ || !children_.empty()) {
    Wait();
    for (Command& command : mailbox_.TakeAll()) Obey(std::move(command));
    ReapEnded();
    KillOverdue();
  }
}

void ProcessProvider::Obey(Command command) {
  if (command.kind == Command::Kind::kStart) return StartChild(command.launch);
  if (command.kind == Command::Kind::kShutdown) {
    ending_ = true;
    for (Child& child : children_) StopChild(child);
    return;
  }
  for (Child& child : children_) {
    if (child.id != command.launch.id) continue;
    if (command.kind == Command::Kind::kKill) {
      child.process.Signal(SIGKILL);
    } else {
      StopChild(child);
    }
  }
}

void ProcessProvider::StartChild(const InstanceLaunch& launch) {
  if (ending_) return;
  auto log = OpenLog(launch.id);
  if (!log) return events_.on_exit(launch.id, log.error().message());
  const int64_t log_begin = lseek(log->get(), 0, SEEK_END);
  auto process = Spawn(launch, log->get());
  if (!process) return events_.on_exit(launch.id, process.error().message());
  LogInfo("control", "started instance {} as process {}", launch.id, process->pid());
  children_.push_back({.id = launch.id, .process = std::move(*process), .log_begin = log_begin});
}

Result<ChildProcess> ProcessProvider::Spawn(const InstanceLaunch& launch, int log) const {
  std::error_code error;
  const fs::path home = HomeOf(launch.id);
  fs::create_directories(home, error);
  if (error)
    return Error(Code::kPermissionDenied, "cannot make '{}': {}", home.string(), error.message());
  const InstanceCommand command = CommandOf(launch, options_, home.string());
  return ChildProcess::Spawn(command.arguments, command.environment, log);
}

Result<UniqueFd> ProcessProvider::OpenLog(const std::string& id) const {
  const std::string path = LogOf(id);
  std::error_code ignored;
  if (const auto size = fs::file_size(path, ignored); !ignored && size > options_.max_log_bytes)
    fs::rename(path, path + ".1", ignored);
  UniqueFd log(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!log.valid())
    return Error(Code::kPermissionDenied, "cannot open '{}': {}", path,
                 std::generic_category().message(errno));
  return log;
}

void ProcessProvider::StopChild(Child& child) {
  if (child.kill_at) return;
  child.process.Signal(SIGTERM);
  child.kill_at = Now() + options_.stop_patience;
}

void ProcessProvider::Wait() {
  std::vector<pollfd> fds = {{mailbox_.fd(), POLLIN, 0}};
  for (const Child& child : children_) {
    fds.push_back({child.process.exit_fd(), POLLIN, 0});
    fds.push_back({child.output_open ? child.process.stdout_fd() : -1, POLLIN, 0});
  }
  poll(fds.data(), fds.size(), PollTimeoutMs());
  size_t i = 2;
  for (Child& child : children_) {
    if (fds[i].revents != 0) ReadOutput(child);
    i += 2;
  }
}

int ProcessProvider::PollTimeoutMs() const {
  std::optional<TimePoint> next;
  for (const Child& child : children_)
    if (child.kill_at) next = next ? std::min(*next, *child.kill_at) : *child.kill_at;
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 60'000));
}

// So much at once, so that a talkative child does not keep the thread from the others.
void ProcessProvider::ReadOutput(Child& child) {
  char buffer[kMaxLineBytes];
  for (int i = 0; i < kMaxReadsAtOnce; ++i) {
    const ssize_t count = read(child.process.stdout_fd(), buffer, sizeof buffer);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      child.output_open = false;
      return;
    }
    if (child.said_address) continue;  // read on, so that the child never waits for us
    child.line.append(buffer, static_cast<size_t>(count));
    SearchLines(child);
  }
}

void ProcessProvider::SearchLines(Child& child) {
  size_t end = 0;
  while (!child.said_address && (end = child.line.find('\n')) != std::string::npos) {
    if (auto address = AddressInReadyLine(std::string_view(child.line).substr(0, end))) {
      child.said_address = true;
      events_.on_address(child.id, std::move(*address));
    }
    child.line.erase(0, end + 1);
  }
  if (child.said_address || child.line.size() > kMaxLineBytes) child.line.clear();
}

void ProcessProvider::ReapEnded() {
  for (auto it = children_.begin(); it != children_.end();) {
    const auto child = it++;
    auto how = child->process.Reap();
    if (!how) continue;
    ReadOutput(*child);
    LogInfo("control", "instance {} has ended: {}", child->id, *how);
    const std::string id = child->id;
    if (how->starts_with("exit status ") && !child->kill_at)
      if (const std::string line = LastLine(LogOf(id), child->log_begin); !line.empty())
        *how += ": " + line;
    children_.erase(child);
    events_.on_exit(id, std::move(*how));
  }
}

void ProcessProvider::KillOverdue() {
  for (Child& child : children_) {
    if (!child.kill_at || Now() < *child.kill_at) continue;
    LogWarning("control", "instance {} did not end within {} ms of SIGTERM: killed", child.id,
               options_.stop_patience.count());
    child.process.Signal(SIGKILL);
    child.kill_at = TimePoint::max();
  }
}

}  // namespace

Result<std::unique_ptr<InstanceProvider>> MakeProcessProvider(std::string directory,
                                                              LaunchOptions options,
                                                              ProviderEvents events) {
  std::error_code error;
  for (const char* const folder : {"instances", "logs"}) {
    fs::create_directories(fs::path(directory) / folder, error);
    if (error)
      return Error(Code::kPermissionDenied, "cannot make '{}/{}': {}", directory, folder,
                   error.message());
  }
  return std::make_unique<ProcessProvider>(std::move(directory), std::move(options),
                                           std::move(events));
}

}  // namespace sarai::control
