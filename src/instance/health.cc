#include "instance/health.h"

#include "telemetry/process_stats.h"

namespace sarai::instance {

Status Health::Ready() {
  if (draining_) return Status(Code::kUnavailable, "the instance is stopping");
  if (parts_.single_model) return parts_.single_model->Check();
  if (!policy::KeepsLoaded(parts_.options.control_mode)) return {};
  if (!parts_.manager.started())
    return Status(Code::kUnavailable, "the models to load at the start are still being loaded");
  if (const size_t failing = parts_.manager.failing();
      parts_.options.strict_readiness && failing > 0)
    return MakeStatus(Code::kFailedPrecondition, "{} models failed to load", failing);
  return {};
}

StatusFacts Health::Facts(const Totals& totals) {
  return {.instance_id = parts_.options.instance_id,
          .ready = Ready(),
          .totals = totals,
          .process = parts_.sampler.latest(),
          .cpu_count = telemetry::CpuCount(),
          .machine_memory_bytes = telemetry::TotalMemoryBytes().value_or(0),
          .disk_percent = DiskPercent(totals)};
}

double Health::DiskPercent(const Totals& totals) const {
  if (parts_.options.disk_budget_bytes > 0)
    return 100.0 * static_cast<double>(totals.residency.disk_used_bytes) /
           static_cast<double>(parts_.options.disk_budget_bytes);
  if (parts_.options.state_directory.empty()) return 0;
  const auto usage = telemetry::FileSystemUsage(parts_.options.state_directory);
  if (!usage || usage->total_bytes == 0) return 0;
  return 100.0 * (1.0 - static_cast<double>(usage->available_bytes) /
                            static_cast<double>(usage->total_bytes));
}

}  // namespace sarai::instance
