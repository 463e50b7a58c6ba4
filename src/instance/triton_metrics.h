// Triton's metrics (nv_*) of an instance and its loaded models, as text: read from the engine's
// counters when they are asked for, so that no request pays for them.
// Names, labels, help: Triton docs/user_guide/metrics.md.
//
// Threads: any.
#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <vector>

#include "instance/serving_table.h"
#include "telemetry/process_stats.h"

namespace sarai::instance {

struct TritonMetricsOptions {
  bool latencies = true;                        // the durations' sums
  bool cpu = true;                              // the machine's processors and memory
  Duration interval = std::chrono::seconds(2);  // least time between two looks at the machine
};

class TritonMetrics {
 public:
  // `clock` outlives it.
  TritonMetrics(TritonMetricsOptions options, const Clock& clock)
      : options_(options), clock_(clock) {}

  // Without the end mark. OpenMetrics lets no counter go without "_total": there they have the type
  // "unknown" and keep their names.
  std::string Render(const std::vector<ServingModelPtr>& models, bool openmetrics);

 private:
  void AddMachine(std::string& out);

  const TritonMetricsOptions options_;
  const Clock& clock_;

  std::mutex mu_;
  telemetry::CpuTimes last_;  // guarded by mu_
  double busy_ = 0;           // guarded by mu_; 0..1
  TimePoint looked_at_{};     // guarded by mu_
};

}  // namespace sarai::instance
