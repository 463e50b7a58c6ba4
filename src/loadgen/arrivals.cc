#include "loadgen/arrivals.h"

#include <cmath>

namespace sarai::loadgen {
namespace {

Duration Seconds(double seconds) { return Duration(std::llround(seconds * 1e9)); }

}  // namespace

Arrivals Arrivals::Constant(double per_second) { return {Kind::kConstant, per_second, 0}; }

Arrivals Arrivals::Poisson(double per_second, uint64_t seed) {
  return {Kind::kPoisson, per_second, seed};
}

Arrivals Arrivals::Listed(std::vector<Duration> offsets, double speed) {
  Arrivals arrivals(Kind::kListed, speed, 0);
  arrivals.offsets_ = std::move(offsets);
  return arrivals;
}

std::optional<Duration> Arrivals::Next() {
  const uint64_t index = index_++;
  switch (kind_) {
    case Kind::kConstant: return Seconds(static_cast<double>(index) / rate_);
    case Kind::kPoisson:
      at_seconds_ += -std::log1p(-random_.Unit()) / rate_;
      return Seconds(at_seconds_);
    case Kind::kListed: break;
  }
  if (index >= offsets_.size()) return std::nullopt;
  return Seconds(std::chrono::duration<double>(offsets_[index]).count() / rate_);
}

Pacer::Pacer(Arrivals arrivals, size_t max_outstanding, Duration horizon)
    : arrivals_(std::move(arrivals)), max_outstanding_(max_outstanding), horizon_(horizon) {
  Advance();
}

void Pacer::Advance() {
  next_ = arrivals_.Next();
  if (next_ && *next_ >= horizon_) next_.reset();
}

std::optional<Pacer::Due> Pacer::Take(Duration now, size_t outstanding) {
  if (!next_ || *next_ > now) return std::nullopt;
  const Due due{*next_, outstanding >= max_outstanding_};
  Advance();
  return due;
}

}  // namespace sarai::loadgen
