#include "store/command_output.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <vector>

#include "base/unique_fd.h"
#include "store/os_error.h"

namespace sarai::store {
namespace {

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<pid_t> Spawn(const std::string& command, const Environment& environment, int output) {
  std::vector<std::string> arguments{"sh", "-c", command};
  std::vector<std::string> variables;
  for (const auto& [name, value] : environment) variables.push_back(name + '=' + value);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // so that all of it can be killed
  pid_t pid = 0;
  const int error = ::posix_spawn(&pid, "/bin/sh", &actions, &attributes,
                                  Pointers(arguments).data(), Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return Error(OsError(error, "starting", command));
  return pid;
}

Result<std::string> ReadToEnd(int fd, TimePoint deadline, uint64_t max_bytes, const Clock& clock) {
  std::string text;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock.Now()).count();
    pollfd ready{.fd = fd, .events = POLLIN};
    const int polled = left > 0 ? ::poll(&ready, 1, static_cast<int>(left)) : 0;
    if (polled < 0 && errno == EINTR) continue;
    if (polled <= 0) return Error(Code::kDeadlineExceeded, "it did not end in time");
    char buffer[4096];
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(OsError(errno, "reading from", "the command"));
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > max_bytes) return Error(Code::kUnavailable, "it prints too much");
  }
}

}  // namespace

Result<std::string> CommandOutput(const std::string& command, const Environment& environment,
                                  std::chrono::milliseconds timeout, uint64_t max_bytes,
                                  const Clock& clock) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return Error(OsError(errno, "making", "a pipe"));
  const UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  SARAI_TRY(const pid_t pid, Spawn(command, environment, writer.get()));
  writer.Reset();
  auto text = ReadToEnd(reader.get(), clock.Now() + timeout, max_bytes, clock);
  if (!text) ::kill(-pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!text)
    return Error(text.error().WithContext(fmt::format("credential_process '{}'", command)));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return text;
  return Error(Code::kUnavailable, "credential_process '{}' failed (status {})", command,
               WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

}  // namespace sarai::store
