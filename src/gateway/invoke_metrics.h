// The invocation metrics of mission and AWS: gathered per endpoint and variant, handed on as
// statistic sets once an interval, and per model as bounded OpenMetrics series.
// Names, units, meaning: SageMaker developer guide, "monitoring-cloudwatch".
//
// Threads: any.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "base/clock.h"
#include "telemetry/metrics.h"
#include "types/metric.h"

namespace sarai::gateway {

// One answered invocation.
struct InvokeOutcome {
  int container_status = 200;     // 0 = no answer (timeout, broken connection)
  bool has_model_latency = true;  // false: it never reached an instance
  Duration model_latency{0};
  Duration overhead_latency{0};
  bool knows_residency = false;  // the instance said warm or cold
  bool cold = false;
  double wait_ms = 0;  // for download and load
  size_t instances = 1;
};

class InvokeMetrics {
 public:
  InvokeMetrics(telemetry::Registry& registry, size_t max_model_series)
      : registry_(registry), max_model_series_(max_model_series) {}

  void Record(const std::string& endpoint, const std::string& variant, const std::string& model,
              const InvokeOutcome& outcome);

  // Hands over and forgets what was gathered.
  void Flush(WallTime now, const MetricSink& sink);

 private:
  struct ModelSeries {
    std::shared_ptr<telemetry::Counter> invocations, cold, errors;
    std::shared_ptr<telemetry::Histogram> latency_seconds;
  };
  struct Gathered {
    std::string unit;
    MetricSet values;
  };
  using VariantKey = std::pair<std::string, std::string>;  // endpoint, variant

  ModelSeries& SeriesLocked(const std::string& endpoint, const std::string& model);
  void AddLocked(const VariantKey& key, const char* name, const char* unit, double value);

  telemetry::Registry& registry_;
  const size_t max_model_series_;
  std::mutex mu_;
  std::map<VariantKey, std::map<std::string, Gathered>> gathered_;           // guarded by mu_
  std::map<std::pair<std::string, std::string>, ModelSeries> model_series_;  // guarded by mu_
};

}  // namespace sarai::gateway
