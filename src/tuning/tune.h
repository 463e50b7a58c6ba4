// `sarai model tune`: which configuration of a model serves most requests under the limits that the
// user gives, found by measuring each on this machine (policy/tuning.h says which, and how long).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "instance/options.h"
#include "loadgen/payload.h"
#include "policy/tuning.h"
#include "tuning/space.h"

namespace sarai::tuning {

struct TuneOptions {
  std::string folder;  // of the model
  // What is left empty is chosen by the machine and the model.
  std::optional<std::vector<int>> instances, batch_sizes, threads;
  std::optional<std::vector<uint64_t>> queue_delays_us;
  std::vector<std::string> precisions;
  std::chrono::milliseconds trial{1000};  // the first round's; each next one takes twice as long
  std::chrono::milliseconds time_max{600'000};  // no further trial begins after it
  policy::TuningOptions search;
  loadgen::PayloadOptions payload;
  instance::InstanceOptions server;  // where backends and hosts are
};

struct TuneReport {
  std::string model;
  std::vector<Candidate> candidates;
  std::vector<policy::TuningScore> ranking;  // best first
  policy::TuningLimits limits;
  size_t trials = 0;
  bool interrupted = false;  // by the user, or by time_max

  const policy::TuningScore& best() const { return ranking.front(); }
  const policy::TuningScore& given() const;
};

struct TuneProgress {
  size_t trial = 0, trials_max = 0;
  std::string text;  // "2 instances, …, at 4 clients"
};
struct TuneEvents {
  std::function<void(const TuneProgress&)> on_trial;
  std::function<void(const policy::TuningOutcome&)> on_outcome;
  std::function<bool()> is_stopped;
};

// Blocks. Errors: the model cannot be read or loaded as it is, the lists make no sense.
Result<TuneReport> Tune(const TuneOptions& options, const Clock& clock, const TuneEvents& events);

}  // namespace sarai::tuning
