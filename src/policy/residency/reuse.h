// How likely a model is to be asked for again: a count of its requests that fades with time.
#pragma once

#include "base/clock.h"

namespace sarai::policy::residency {

// Of models that were asked for once, most never are again: a scan over all of them. So the first
// request in a long while counts little, and the next ones count in full.
inline constexpr double kFirstUse = 0.1;
inline constexpr double kForgotten = 0.01;  // below this score the next request is a first one

class Reuse {
 public:
  // `requests` at `when`; older than the last ones is fine.
  void Add(double requests, TimePoint when, Duration time_constant);
  double Score(TimePoint now, Duration time_constant) const;

 private:
  double score_ = 0;
  TimePoint at_{};
};

}  // namespace sarai::policy::residency
