// The metrics strand's work: flushes what has been recorded, fills idle minutes with zeros, thins
// old data.
//
// Owner: Control. Threads: the metrics strand only.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/executor.h"
#include "control/metrics/metric_recorder.h"
#include "control/metrics/metric_store.h"
#include "control/options.h"
#include "types/fleet.h"

namespace sarai::control {

class MetricKeeper {
 public:
  // `fleet` gives the last published view; thread-safe.
  MetricKeeper(const MetricOptions& options, MetricStore& store, MetricRecorder& recorder,
               const Clock& clock, std::shared_ptr<Executor> strand,
               std::function<FleetViewPtr()> fleet)
      : options_(options),
        store_(store),
        recorder_(recorder),
        clock_(clock),
        strand_(std::move(strand)),
        fleet_(std::move(fleet)) {}

  // Works now and then once an interval, for as long as the strand runs.
  void Run();
  // Brings what has been recorded into the store.
  void Flush();

 private:
  // Zeros for the minutes that have passed since the last call and had no invocation.
  void FillIdleMinutes(EpochSeconds now);
  void FillMinute(const FleetView& fleet, EpochSeconds minute);
  void ThinHourly(EpochSeconds now);

  const MetricOptions& options_;
  MetricStore& store_;
  MetricRecorder& recorder_;
  const Clock& clock_;
  const std::shared_ptr<Executor> strand_;
  const std::function<FleetViewPtr()> fleet_;
  EpochSeconds next_idle_minute_ = 0;
  EpochSeconds next_thinning_ = 0;
};

}  // namespace sarai::control
