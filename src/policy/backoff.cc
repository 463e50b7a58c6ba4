#include "policy/backoff.h"

#include <algorithm>
#include <cmath>

namespace sarai::policy {

Duration NextDelay(BackoffState& state, Duration lived, const BackoffOptions& options) {
  if (lived >= options.stable_after) state.failures = 0;
  const double wait = static_cast<double>(options.first.count()) *
                      std::pow(std::max(options.factor, 1.0), state.failures);
  // Once the limit is reached more failures change nothing, so that the count cannot overflow.
  if (wait >= static_cast<double>(options.max.count())) return options.max;
  ++state.failures;
  return Duration(static_cast<int64_t>(wait));
}

}  // namespace sarai::policy
