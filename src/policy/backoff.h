// How long to wait before a dead process is started again. Pure.
#pragma once

#include "base/clock.h"

namespace sarai::policy {

struct BackoffOptions {
  Duration first = std::chrono::milliseconds(100);
  Duration max = std::chrono::seconds(30);
  double factor = 2;
  Duration stable_after = std::chrono::seconds(60);  // a run this long starts from `first` again
};

struct BackoffState {
  int failures = 0;
};

// After a run of `lived`; updates the state and returns the wait before the next start.
Duration NextDelay(BackoffState& state, Duration lived, const BackoffOptions& options);

}  // namespace sarai::policy
