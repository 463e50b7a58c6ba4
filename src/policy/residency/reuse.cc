#include "policy/residency/reuse.h"

#include <algorithm>
#include <cmath>

namespace sarai::policy::residency {

double Reuse::Score(TimePoint now, Duration time_constant) const {
  if (now <= at_ || score_ == 0) return score_;
  const double age = std::chrono::duration<double>(now - at_).count();
  const double constant = std::max(std::chrono::duration<double>(time_constant).count(), 1e-9);
  return score_ * std::exp(-age / constant);
}

void Reuse::Add(double requests, TimePoint when, Duration time_constant) {
  if (requests <= 0) return;
  const double before = Score(when, time_constant);
  score_ = before + (before < kForgotten ? requests - 1 + kFirstUse : requests);
  at_ = std::max(at_, when);
}

}  // namespace sarai::policy::residency
