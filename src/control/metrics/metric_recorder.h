// Where samples arrive: gathered per metric and ten seconds until they are flushed to the store,
// and summed up since the start for OpenMetrics.
//
// Threads: any; one short lock. Lifetime: shared by Control and every holder of its sink.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "control/metrics/metric_store.h"
#include "control/options.h"
#include "types/metric.h"

namespace sarai::control {

class MetricRecorder {
 public:
  explicit MetricRecorder(const MetricOptions& options) : options_(options) {}

  void Add(MetricSample sample);

  // What has come since the last call, and how many samples were dropped for lack of room.
  std::pair<MetricStore::Batch, size_t> Take();

  // Families without the closing "# EOF". Instance gauges with their last value, all else as
  // summaries (count and sum) since the start.
  std::string OpenMetrics() const;

 private:
  struct Running {
    double count = 0, sum = 0, last = 0;
  };

  const MetricOptions options_;
  mutable std::mutex mu_;
  MetricStore::Batch pending_;               // guarded by mu_
  size_t dropped_ = 0;                       // guarded by mu_
  std::map<MetricSeries, Running> running_;  // guarded by mu_
};

}  // namespace sarai::control
