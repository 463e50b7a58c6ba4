#include "instance/process_sampler.h"

#include <unistd.h>

#include <map>
#include <utility>

#include "telemetry/process_stats.h"

namespace sarai::instance {

ProcessSampler::ProcessSampler(Parts parts, Duration interval)
    : parts_(parts), interval_(interval) {
  latest_.pid = ::getpid();
}

void ProcessSampler::Start() {
  parts_.worker.Do([this] { Measure(); });
}

ProcessSample ProcessSampler::latest() const {
  std::lock_guard lock(mu_);
  return latest_;
}

void ProcessSampler::Measure() {
  ProcessSample sample{.pid = ::getpid()};
  for (const int pid : parts_.registry.process_ids())
    if (pid != sample.pid) sample.host_pids.push_back(pid);

  std::map<int, double> cpu_seconds;
  cpu_seconds[sample.pid] = telemetry::CpuSeconds(sample.pid).value_or(0);
  for (const int pid : sample.host_pids)
    if (const auto seconds = telemetry::CpuSeconds(pid)) cpu_seconds[pid] = *seconds;
  utilization_.Add(parts_.clock.Now(), cpu_seconds, parts_.engine.TakeLaneUtilization());
  sample.cpu_percent = utilization_.cpu_percent();
  sample.lane_percent = utilization_.lane_percent();

  const OverheadMeter::Reading reading = parts_.overhead.Read(parts_.manager.book_bytes());
  sample.held_bytes = reading.held_bytes;
  parts_.manager.ReportOverhead(reading.overhead_bytes);
  {
    std::lock_guard lock(mu_);
    latest_ = std::move(sample);
  }
  Next();
}

void ProcessSampler::Next() {
  parts_.strand.PostAt(parts_.clock.Now() + interval_, [this] { Start(); });
}

}  // namespace sarai::instance
