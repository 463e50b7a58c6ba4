// When requests of an open loop are meant to be sent, whatever becomes of the earlier ones.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "loadgen/random.h"

namespace sarai::loadgen {

// Offsets from the start, never decreasing; a value that is used up. Nothing = there are no more.
class Arrivals {
 public:
  static Arrivals Constant(double per_second);
  static Arrivals Poisson(double per_second, uint64_t seed);
  // `offsets` ascending; each is divided by `speed` (2 = twice as fast).
  static Arrivals Listed(std::vector<Duration> offsets, double speed);

  std::optional<Duration> Next();

 private:
  enum class Kind { kConstant, kPoisson, kListed };
  Arrivals(Kind kind, double rate, uint64_t seed) : kind_(kind), rate_(rate), random_(seed) {}

  Kind kind_;
  double rate_;  // per second; of kListed the speed
  Random random_;
  double at_seconds_ = 0;
  uint64_t index_ = 0;
  std::vector<Duration> offsets_;
};

// An open loop's pace: what is due, and what of it may be sent. A request that is due while
// `max_outstanding` are under way is refused, and so counted, never put off: latency counts from
// the intended time, and a server that stalls shows as what its users would see.
class Pacer {
 public:
  // `horizon`: nothing intended at or after it is sent.
  Pacer(Arrivals arrivals, size_t max_outstanding, Duration horizon);

  // When the next request is due; nothing = all are sent.
  std::optional<Duration> NextAt() const { return next_; }

  struct Due {
    Duration intended{0};
    bool refused = false;
  };
  // The next request if it is due by `now`; call until there is none.
  std::optional<Due> Take(Duration now, size_t outstanding);

 private:
  void Advance();

  Arrivals arrivals_;
  const size_t max_outstanding_;
  const Duration horizon_;
  std::optional<Duration> next_;
};

}  // namespace sarai::loadgen
