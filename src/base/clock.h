// Seam 1 of 6: time. Everything that needs to know the time is handed a Clock or a `now`.
#pragma once

#include <chrono>
#include <mutex>

namespace sarai {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>;  // monotonic
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::microseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint Now() const = 0;
  virtual WallTime WallNow() const = 0;
};

class RealClock final : public Clock {
 public:
  TimePoint Now() const override;
  WallTime WallNow() const override;
};

// Stands still until a test moves it. Thread-safe.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(WallTime wall = WallTime{std::chrono::seconds{1'700'000'000}})
      : wall_(wall) {}
  TimePoint Now() const override;
  WallTime WallNow() const override;
  void Advance(Duration by);

 private:
  mutable std::mutex mu_;
  TimePoint now_{std::chrono::hours{1}};
  WallTime wall_;
};

inline double Milliseconds(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}
inline int64_t Microseconds(Duration d) {
  return std::chrono::duration_cast<std::chrono::microseconds>(d).count();
}

}  // namespace sarai
