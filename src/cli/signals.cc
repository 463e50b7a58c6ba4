#include "cli/signals.h"

#include <pthread.h>

#include <csignal>

namespace sarai::cli {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

void BlockSignals() {
  sigset_t set = StopSignals();
  sigaddset(&set, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int WaitForStop() {
  const sigset_t set = StopSignals();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  return signal;
}

bool StopAsked() {
  const sigset_t set = StopSignals();
  const timespec at_once{};
  return sigtimedwait(&set, nullptr, &at_once) > 0;
}

}  // namespace sarai::cli
