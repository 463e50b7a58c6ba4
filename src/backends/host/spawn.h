// Starts a host process.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/unique_fd.h"

namespace sarai::backends::host {

struct Spawned {
  int pid = 0;
  UniqueFd pidfd;  // names the process even after its number is used again
};

// Runs `executable backend-host arguments…` with `fds` as descriptors kFirstFd, kFirstFd + 1, …,
// its standard output joined to standard error, no input, no other descriptor, and signals as at
// login. `environment` ("NAME=value") adds to the caller's what it does not have. The calling
// thread must live as long as the child: when it ends, the kernel kills the child (host_main.cc
// asks for that). Errors: kFailedPrecondition names the executable.
Result<Spawned> Spawn(const std::string& executable, const std::vector<std::string>& arguments,
                      std::span<const int> fds, const std::vector<std::string>& environment = {});

// SIGKILL; nothing happens when it has ended.
void KillProcess(const UniqueFd& pidfd);

}  // namespace sarai::backends::host
