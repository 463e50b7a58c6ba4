// What a run has found, and how it is told: as a table for people, as JSON for programs.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loadgen/tally.h"

namespace sarai::loadgen {

struct LatencySummary {
  uint64_t count = 0;
  Duration min{0}, mean{0}, p50{0}, p90{0}, p95{0}, p99{0}, p999{0}, max{0};
};
LatencySummary Summarize(const Histogram& histogram);

struct StepReport {
  std::string load;            // "16 clients", "500 req/s, Poisson"
  bool open_loop = false;      // latency counts from the intended time
  std::optional<int> clients;  // closed loop
  std::optional<double> rate;  // open loop: asked for, per second
  double seconds = 0;          // measured, until the last answer
  Tally tally = Tally(TallyOptions());
  Histogram all{9};  // warm and cold
  double client_cpu_seconds = 0;
  int client_threads = 1;
  uint64_t sent_late = 0;  // open loop: later than kLateSend after the intended time
  Duration latest_send{0};
  std::optional<double> server_cpu_seconds;
  uint64_t abandoned = 0;  // still unanswered when the step was given up

  double requests_per_second() const {
    return seconds > 0 ? static_cast<double>(tally.answered()) / seconds : 0;
  }
  double error_rate() const;                     // failed, refused and abandoned, of all
  double CpuPerReply(double cpu_seconds) const;  // in microseconds; replies are answers and errors
};

inline constexpr Duration kLateSend = std::chrono::milliseconds(1);

struct Report {
  std::string target;    // "http://127.0.0.1:8000, KServe over HTTP, binary"
  std::string workload;  // "3 models by Zipf 1.1, batch 1, 64 B of input"
  std::string cold_by;   // who said what was cold: "the server", "a model's first request"
  bool interrupted = false;
  std::vector<std::string> models;
  std::vector<StepReport> steps;
};

// Why a step's figures may say more of the generator than of the server.
std::vector<std::string> Warnings(const StepReport& step);

// "1.23 ms"; three significant digits.
std::string DurationText(Duration duration);

// All steps, each with its latencies, errors, busiest models (`top` of them), CPU and warnings.
std::string TableText(const Report& report, size_t top);

// The schema is in docs/bench.md. Durations are milliseconds.
std::string JsonText(const Report& report, size_t top);

// The models with the most requests, descending; indices into Report::models.
std::vector<std::pair<size_t, const ModelTally*>> BusiestModels(const StepReport& step, size_t top);

}  // namespace sarai::loadgen
