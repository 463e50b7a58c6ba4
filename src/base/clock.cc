#include "base/clock.h"

namespace sarai {

TimePoint RealClock::Now() const { return std::chrono::steady_clock::now(); }

WallTime RealClock::WallNow() const {
  return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
}

TimePoint ManualClock::Now() const {
  std::lock_guard lock(mu_);
  return now_;
}

WallTime ManualClock::WallNow() const {
  std::lock_guard lock(mu_);
  return wall_;
}

void ManualClock::Advance(Duration by) {
  std::lock_guard lock(mu_);
  now_ += by;
  wall_ += std::chrono::duration_cast<std::chrono::microseconds>(by);
}

}  // namespace sarai
