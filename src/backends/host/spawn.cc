#include "backends/host/spawn.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "backends/host/host_arguments.h"

extern "C" {  // glibc 2.36 forgets to say so
#include <sys/pidfd.h>
}

namespace sarai::backends::host {
namespace {

class FileActions {
 public:
  FileActions() { posix_spawn_file_actions_init(&actions_); }
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  Attributes() {
    posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  posix_spawnattr_t* get() { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// Duplicates above all target numbers, so that no dup2 in the child hits a source still needed.
Result<std::vector<UniqueFd>> LiftAbove(int target_end, std::span<const int> fds) {
  std::vector<UniqueFd> lifted;
  for (const int fd : fds) {
    lifted.emplace_back(fcntl(fd, F_DUPFD_CLOEXEC, target_end));
    if (!lifted.back().valid())
      return Error(Code::kResourceExhausted, "no descriptor left for a backend host: {}",
                   std::generic_category().message(errno));
  }
  return lifted;
}

std::vector<char*> Pointers(std::vector<std::string>& line) {
  std::vector<char*> pointers;
  pointers.reserve(line.size() + 1);
  for (std::string& word : line) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

// Our own environment, and what of `added` it lacks.
std::vector<std::string> Environment(const std::vector<std::string>& added) {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable)
    variables.emplace_back(*variable);
  for (const std::string& variable : added) {
    const std::string name = variable.substr(0, variable.find('=') + 1);
    if (std::ranges::none_of(variables, [&](const auto& has) { return has.starts_with(name); }))
      variables.push_back(variable);
  }
  return variables;
}

}  // namespace

Result<Spawned> Spawn(const std::string& executable, const std::vector<std::string>& arguments,
                      std::span<const int> fds, const std::vector<std::string>& environment) {
  const int target_end = kFirstFd + static_cast<int>(fds.size());
  SARAI_TRY(const auto lifted, LiftAbove(target_end, fds));
  FileActions actions;
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(actions.get(), STDERR_FILENO, STDOUT_FILENO);
  for (size_t i = 0; i < lifted.size(); ++i)
    posix_spawn_file_actions_adddup2(actions.get(), lifted[i].get(),
                                     kFirstFd + static_cast<int>(i));
  posix_spawn_file_actions_addclosefrom_np(actions.get(), target_end);

  std::vector<std::string> line = {executable, "backend-host"};
  line.insert(line.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = Environment(environment);
  const std::vector<char*> argv = Pointers(line);
  const std::vector<char*> envp = Pointers(variables);
  Attributes attributes;
  Spawned spawned;
  const int error = posix_spawn(&spawned.pid, executable.c_str(), actions.get(), attributes.get(),
                                argv.data(), envp.data());
  if (error != 0)
    return Error(Code::kFailedPrecondition, "cannot start a backend host with '{}': {}", executable,
                 std::generic_category().message(error));
  spawned.pidfd.Reset(pidfd_open(spawned.pid, 0));
  if (spawned.pidfd.valid()) return spawned;
  const int pidfd_error = errno;
  kill(spawned.pid, SIGKILL);
  waitpid(spawned.pid, nullptr, 0);
  return Error(Code::kResourceExhausted, "pidfd_open: {}",
               std::generic_category().message(pidfd_error));
}

void KillProcess(const UniqueFd& pidfd) { pidfd_send_signal(pidfd.get(), SIGKILL, nullptr, 0); }

}  // namespace sarai::backends::host
