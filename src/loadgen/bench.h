// A whole run: asks the server what its models are, makes the requests, measures step by step.
#pragma once

#include <functional>

#include "loadgen/options.h"
#include "loadgen/report.h"
#include "loadgen/step.h"

namespace sarai::loadgen {

struct BenchEvents {
  std::function<void(const Report&)> on_begin;      // nothing measured yet
  std::function<void(const std::string&)> on_step;  // its load begins
  OnProgress on_progress;                           // false = stop, and report what there is
};

// Blocks. Errors: the options do not fit together, or the server cannot be asked.
Result<Report> RunBench(const BenchOptions& options, const Clock& clock, const BenchEvents& events);

}  // namespace sarai::loadgen
