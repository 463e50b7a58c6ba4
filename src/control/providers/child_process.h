// One child of this process that can not outlive it (Linux: fork, exec, pidfd).
//
// Invariant: until it is reaped its pid is its own, so that a signal never reaches a stranger.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/unique_fd.h"

namespace sarai::control {

class ChildProcess {
 public:
  // Starts `arguments[0]` in a process group of its own, with its standard error going to `log` and
  // its standard output to a pipe. The child is killed when the *thread* that called this ends.
  // A program that can not be run shows up as an exit with status 127 and a line in the log.
  static Result<ChildProcess> Spawn(const std::vector<std::string>& arguments,
                                    const std::vector<std::string>& environment, int log);

  pid_t pid() const { return pid_; }
  int exit_fd() const { return exit_fd_.get(); }      // becomes readable when the child has ended
  int stdout_fd() const { return stdout_fd_.get(); }  // does not block

  void Signal(int signal) const;

  // How it ended ("exit status 1", "killed by signal 9 (Killed)"), once; nothing while it runs.
  std::optional<std::string> Reap();

 private:
  ChildProcess(pid_t pid, UniqueFd exit_fd, UniqueFd stdout_fd)
      : pid_(pid), exit_fd_(std::move(exit_fd)), stdout_fd_(std::move(stdout_fd)) {}

  pid_t pid_;
  UniqueFd exit_fd_, stdout_fd_;
};

}  // namespace sarai::control
