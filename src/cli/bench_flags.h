// Flags of `sarai bench`.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "loadgen/options.h"
#include "store/open_store.h"

namespace CLI {
class App;
}

namespace sarai::cli {

struct BenchFlags {
  loadgen::BenchOptions options;
  std::string url, grpc, models, models_from, trace, trace_models = "{}", input, json, svg,
                                                     baseline, baseline_text;
  std::vector<std::string> shapes, headers;
  std::optional<std::chrono::milliseconds> duration;
  double zipf = 0;
  bool uniform = false, quiet = false, no_plot = false;
  size_t top = 10;
  double max_error_rate = 1;
};

void AddBenchFlags(CLI::App& app, BenchFlags& flags);

// From what was given to `flags.options`; reads the files that are named. Errors name the flag.
Status FillBenchOptions(BenchFlags& flags, const store::Environment& environment);

}  // namespace sarai::cli
