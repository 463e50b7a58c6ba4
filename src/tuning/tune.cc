#include "tuning/tune.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>
#include <utility>

#include "loadgen/bench.h"
#include "telemetry/process_stats.h"
#include "tuning/trial_server.h"
#include "wire/modelconfig/model_config.h"

namespace sarai::tuning {
namespace {

namespace fs = std::filesystem;

constexpr double kErrorRateMax = 0;
constexpr int kWarmupShare = 5;  // of a trial's time

// What is in the folder; an empty configuration where the file is missing: the server completes it.
Result<inference::ModelConfig> ReadConfig(const fs::path& folder) {
  std::ifstream file(folder / "config.pbtxt", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  return modelconfig::ParseText(text, "config.pbtxt");
}

class Tuner {
 public:
  Tuner(const TuneOptions& options, const Clock& clock, const TuneEvents& events)
      : options_(options),
        clock_(clock),
        events_(events),
        folder_(fs::absolute(options.folder).lexically_normal()) {
    if (!folder_.has_filename()) folder_ = folder_.parent_path();
    model_ = folder_.filename();
  }

  Result<TuneReport> Run() {
    SARAI_TRY(server_, TrialServer::Start(options_.server, folder_.parent_path(), clock_));
    SARAI_TRY(const inference::ModelConfig given, ReadConfig(folder_));
    SARAI_TRY(const inference::ModelConfig effective, server_->Load(model_, nullptr));
    SARAI_TRY(candidates_, Candidates(given, effective, SpaceFor(effective)));
    policy::TuningSearch search(candidates_.size(), options_.search);
    const bool whole = Measure(search);
    return TuneReport{.model = model_,
                      .candidates = std::move(candidates_),
                      .ranking = search.Ranking(),
                      .limits = options_.search.limits,
                      .trials = search.told(),
                      .interrupted = !whole};
  }

 private:
  Space SpaceFor(const inference::ModelConfig& effective) const {
    Space space = DefaultSpace(telemetry::CpuCount(), effective.max_batch_size());
    if (options_.instances) space.instances = *options_.instances;
    if (options_.batch_sizes) space.batch_sizes = *options_.batch_sizes;
    if (options_.queue_delays_us) space.queue_delays_us = *options_.queue_delays_us;
    if (options_.threads) space.threads = *options_.threads;
    space.precisions = options_.precisions;
    return space;
  }

  // False: it was stopped before its end.
  bool Measure(policy::TuningSearch& search) {
    const TimePoint until = clock_.Now() + options_.time_max;
    while (const auto trial = search.Next()) {
      if (events_.is_stopped() || clock_.Now() >= until) return false;
      events_.on_trial({search.told() + 1, search.trials_max(),
                        fmt::format("{}, at {} client{}", candidates_[trial->candidate].text,
                                    trial->clients, trial->clients == 1 ? "" : "s")});
      auto outcome = Carry(*trial);
      if (!outcome) outcome = policy::TuningOutcome{.failure = outcome.error().message()};
      if (events_.is_stopped()) return false;  // it may have been cut short
      events_.on_outcome(*outcome);
      search.Told(*outcome);
    }
    return true;
  }

  Result<policy::TuningOutcome> Carry(const policy::TuningTrial& trial) {
    if (loaded_ != trial.candidate) {
      loaded_.reset();
      SARAI_TRY(std::ignore, server_->Load(model_, &candidates_[trial.candidate].config));
      loaded_ = trial.candidate;
    }
    SARAI_TRY(const loadgen::Report report, loadgen::RunBench(BenchOf(trial), clock_, Quiet()));
    const loadgen::StepReport& step = report.steps.front();
    if (step.error_rate() > kErrorRateMax)
      return Error(Code::kInternal, "{:.1f} % of its requests failed", step.error_rate() * 100);
    SARAI_TRY(const uint64_t memory, server_->MemoryBytes(model_));
    return policy::TuningOutcome{.requests_per_second = step.requests_per_second(),
                                 .p50 = step.all.Percentile(0.5),
                                 .p99 = step.all.Percentile(0.99),
                                 .memory_bytes = memory};
  }

  loadgen::BenchOptions BenchOf(const policy::TuningTrial& trial) const {
    const auto duration = options_.trial * (1 << std::min(trial.round, 10));
    return {.target = {.address = server_->address()},
            .load = {.clients = {trial.clients},
                     .duration = duration,
                     .warmup = duration / kWarmupShare},
            .payload = options_.payload,
            .models = {model_}};
  }

  loadgen::BenchEvents Quiet() const {
    return {.on_begin = [](const loadgen::Report&) {},
            .on_step = [](const std::string&) {},
            .on_progress = [this](const loadgen::Progress&) { return !events_.is_stopped(); }};
  }

  const TuneOptions& options_;
  const Clock& clock_;
  const TuneEvents& events_;
  fs::path folder_;
  std::string model_;
  std::unique_ptr<TrialServer> server_;
  std::vector<Candidate> candidates_;
  std::optional<size_t> loaded_;
};

}  // namespace

const policy::TuningScore& TuneReport::given() const {
  return *std::ranges::find(ranking, 0u, &policy::TuningScore::candidate);
}

Result<TuneReport> Tune(const TuneOptions& options, const Clock& clock, const TuneEvents& events) {
  return Tuner(options, clock, events).Run();
}

}  // namespace sarai::tuning
