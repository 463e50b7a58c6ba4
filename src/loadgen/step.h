// One measured step against a target: a closed loop of clients, or an open loop of arrivals.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "loadgen/arrivals.h"
#include "loadgen/model_choice.h"
#include "loadgen/report.h"
#include "loadgen/target.h"

namespace sarai::loadgen {

struct Progress {
  bool warming_up = false;
  double seconds = 0;  // of the measured part
  uint64_t answered = 0, failed = 0, refused = 0;
  size_t outstanding = 0;
  Duration p50{0}, p99{0};  // so far
};
// Called five times a second on the thread that runs the step; false = stop now.
using OnProgress = std::function<bool(const Progress&)>;

struct StepPlan {
  int clients = 0;                   // closed loop, or
  std::optional<Arrivals> arrivals;  // open loop
  ModelChoice models = ModelChoice::RoundRobin(1);
  Duration warmup{0}, duration{0};  // duration 0 = until `requests`
  uint64_t requests = 0;            // measured ones; 0 = no bound
  size_t max_outstanding = 1024;
  Duration drain_patience{0};
  TallyOptions tally;
  std::vector<pid_t> server_pids;
};

// What is known of models over all steps: with a server that does not say what was cold, a request
// sent before its model's first answer was.
struct Acquaintance {
  explicit Acquaintance(size_t models) : answered(models, false) {}
  std::vector<bool> answered;
  bool server_tells = false;
};

// Blocks until the step is over and, for at most `drain_patience`, its last answers are in.
StepReport RunStep(Target& target, StepPlan plan, Acquaintance& models, const Clock& clock,
                   const OnProgress& on_progress, bool& interrupted);

}  // namespace sarai::loadgen
