#include "instance/utilization_meter.h"

#include <algorithm>

namespace sarai::instance {
namespace {

double Seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

}  // namespace

void UtilizationMeter::Add(TimePoint now, const std::map<int, double>& cpu_seconds_by_pid,
                           double lanes_busy) {
  std::lock_guard lock(mu_);
  double spent = 0;
  for (const auto& [pid, seconds] : cpu_seconds_by_pid)
    if (const auto last = last_seconds_.find(pid); last != last_seconds_.end())
      spent += std::max(0.0, seconds - last->second);
  const bool first = last_at_ == TimePoint{};
  if (!first && now > last_at_) samples_.push_back({now, now - last_at_, spent, lanes_busy});
  while (!samples_.empty() && samples_.front().at < now - window_) samples_.pop_front();
  last_seconds_ = cpu_seconds_by_pid;
  last_at_ = now;
}

double UtilizationMeter::cpu_percent() const {
  std::lock_guard lock(mu_);
  double spent = 0, covered = 0;
  for (const Sample& sample : samples_) {
    spent += sample.cpu_seconds;
    covered += Seconds(sample.covers);
  }
  return covered > 0 ? 100 * spent / covered : 0;
}

double UtilizationMeter::lane_percent() const {
  std::lock_guard lock(mu_);
  double busy = 0, covered = 0;
  for (const Sample& sample : samples_) {
    busy += sample.lanes_busy * Seconds(sample.covers);
    covered += Seconds(sample.covers);
  }
  return covered > 0 ? std::clamp(100 * busy / covered, 0.0, 100.0) : 0;
}

}  // namespace sarai::instance
