// Looks at this process and its backend hosts every so often: tells the model manager the memory
// overhead, keeps how busy processors and lanes are.
//
// Threads: measures on a thread for chores, one at a time; latest() from any.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/executor.h"
#include "engine/backend_registry.h"
#include "engine/engine.h"
#include "instance/model_manager.h"
#include "instance/model_worker.h"
#include "instance/overhead_meter.h"
#include "instance/utilization_meter.h"

namespace sarai::instance {

struct ProcessSample {
  int pid = 0;
  std::vector<int> host_pids;
  uint64_t held_bytes = 0;  // anonymous, all processes
  double cpu_percent = 0;   // summed over processors
  double lane_percent = 0;
};

class ProcessSampler {
 public:
  struct Parts {
    Executor& strand;
    const Clock& clock;
    ModelWorker& worker;
    ModelManager& manager;
    OverheadMeter& overhead;
    engine::Engine& engine;
    const engine::BackendRegistry& registry;
  };
  ProcessSampler(Parts parts, Duration interval);

  // Starts the rounds; they end when the strand does.
  void Start();
  ProcessSample latest() const;

 private:
  void Measure();
  void Next();

  const Parts parts_;
  const Duration interval_;
  UtilizationMeter utilization_;
  mutable std::mutex mu_;
  ProcessSample latest_;  // guarded by mu_
};

}  // namespace sarai::instance
