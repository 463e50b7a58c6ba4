#include "control/providers/child_process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace sarai::control {
namespace {

constexpr int kCannotRun = 127;

// Everything the child needs, made before the fork: after it only async-signal-safe calls are
// allowed, since other threads' locks stay locked in the child.
struct ChildPlan {
  std::vector<char*> arguments, environment;  // null-terminated
  int input, output, log;
  pid_t parent;
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

void ResetSignals() {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) std::signal(signal, SIG_DFL);
}

[[noreturn]] void RunChild(const ChildPlan& plan) {
  ResetSignals();
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != plan.parent) _exit(kCannotRun);  // the parent died before the line above
  dup2(plan.input, STDIN_FILENO);
  dup2(plan.output, STDOUT_FILENO);
  dup2(plan.log, STDERR_FILENO);
  close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
  execve(plan.arguments[0], plan.arguments.data(), plan.environment.data());
  constexpr char kWhat[] = "sarai: cannot run ";
  const auto say = [](const char* text) {
    if (write(STDERR_FILENO, text, std::strlen(text)) < 0) _exit(kCannotRun);
  };
  say(kWhat);
  say(plan.arguments[0]);
  say("\n");
  _exit(kCannotRun);
}

Status SystemError(const char* what) {
  return MakeStatus(Code::kInternal, "{}: {}", what, std::strerror(errno));
}

}  // namespace

Result<ChildProcess> ChildProcess::Spawn(const std::vector<std::string>& arguments,
                                         const std::vector<std::string>& environment, int log) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error(SystemError("pipe2"));
  UniqueFd reading(ends[0]), writing(ends[1]);
  const UniqueFd nothing(open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!nothing.valid()) return Error(SystemError("/dev/null"));
  if (fcntl(reading.get(), F_SETFL, O_NONBLOCK) != 0) return Error(SystemError("fcntl"));
  const ChildPlan plan{
      Pointers(arguments), Pointers(environment), nothing.get(), writing.get(), log, getpid()};
  const pid_t pid = fork();
  if (pid < 0) return Error(SystemError("fork"));
  if (pid == 0) RunChild(plan);
  UniqueFd exit_fd(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  if (!exit_fd.valid()) {
    const Status error = SystemError("pidfd_open");
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return Error(error);
  }
  return ChildProcess(pid, std::move(exit_fd), std::move(reading));
}

void ChildProcess::Signal(int signal) const {
  if (pid_ > 0) kill(pid_, signal);
}

std::optional<std::string> ChildProcess::Reap() {
  int status = 0;
  if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  pid_ = -1;
  if (WIFEXITED(status)) return fmt::format("exit status {}", WEXITSTATUS(status));
  return fmt::format("killed by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

}  // namespace sarai::control
