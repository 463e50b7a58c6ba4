// What `sarai bench` shows while it runs: one line that is rewritten on a terminal, plain lines
// every few seconds elsewhere. On standard error: results go to standard output.
#pragma once

#include <string>

#include "loadgen/bench.h"

namespace sarai::cli {

class BenchDisplay {
 public:
  explicit BenchDisplay(bool quiet);
  loadgen::BenchEvents Events();  // valid while this lives
  void Clear();

 private:
  void Show(const loadgen::Progress& progress);

  const bool quiet_, terminal_;
  std::string load_;
  double next_line_at_ = 0;  // seconds of the step; no terminal
};

}  // namespace sarai::cli
