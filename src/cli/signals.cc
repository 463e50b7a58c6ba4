#include "cli/signals.h"

#include <pthread.h>
#include <unistd.h>

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
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int WaitForStop(const std::function<bool()>& on_nudge) {
  sigset_t set = StopSignals();
  sigaddset(&set, SIGUSR1);
  for (int signal = 0;;) {
    if (sigwait(&set, &signal) != 0) continue;
    if (signal != SIGUSR1) return signal;
    if (on_nudge && !on_nudge()) return 0;
  }
}

void Nudge() { kill(getpid(), SIGUSR1); }

bool StopAsked() {
  const sigset_t set = StopSignals();
  const timespec at_once{};
  return sigtimedwait(&set, nullptr, &at_once) > 0;
}

}  // namespace sarai::cli
