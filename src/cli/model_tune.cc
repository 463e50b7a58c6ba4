// `sarai model tune`: measures configurations of a model and writes down the best.
#include "cli/model_tune.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "cli/environment.h"
#include "cli/heap.h"
#include "cli/options.h"
#include "cli/result_file.h"
#include "cli/signals.h"
#include "loadgen/report.h"
#include "tuning/report.h"
#include "tuning/tune.h"

namespace sarai::cli {
namespace {

struct TuneFlags {
  tuning::TuneOptions options;
  std::vector<int> instances, batch_sizes, threads, clients;
  std::vector<uint64_t> queue_delays_us;
  std::vector<std::string> shapes;
  std::string output, report;
  size_t top = 10;
};

Status FillOptions(TuneFlags& flags) {
  tuning::TuneOptions& options = flags.options;
  if (!flags.instances.empty()) options.instances = flags.instances;
  if (!flags.batch_sizes.empty()) options.batch_sizes = flags.batch_sizes;
  if (!flags.threads.empty()) options.threads = flags.threads;
  if (!flags.queue_delays_us.empty()) options.queue_delays_us = flags.queue_delays_us;
  if (!flags.clients.empty()) options.search.clients = flags.clients;
  if (!std::ranges::is_sorted(options.search.clients, std::less_equal{}) ||
      options.search.clients.front() < 1)
    return MakeStatus(Code::kInvalidArgument, "--clients are numbers from 1, ascending");
  for (const std::string& text : flags.shapes) {
    SARAI_TRY(auto input, loadgen::ParseInputFlag(text));
    options.payload.inputs.insert(std::move(input));
  }
  options.server.host_executable = ExecutablePath();
  if (options.server.backend_directory.empty())
    options.server.backend_directory = DefaultBackendDirectory();
  return {};
}

// One line for each trial, on standard error.
tuning::TuneEvents Events() {
  return {.on_trial =
              [](const tuning::TuneProgress& now) {
                std::fprintf(stderr, "[%zu of at most %zu] %s: ", now.trial, now.trials_max,
                             now.text.c_str());
              },
          .on_outcome =
              [](const policy::TuningOutcome& outcome) {
                if (!outcome.failure.empty())
                  std::fprintf(stderr, "%s\n", outcome.failure.c_str());
                else
                  std::fprintf(stderr, "%.1f/s, p99 %s\n", outcome.requests_per_second,
                               loadgen::DurationText(outcome.p99).c_str());
              },
          .is_stopped = [stopped = false]() mutable { return stopped = stopped || StopAsked(); }};
}

Status WriteResults(const TuneFlags& flags, const tuning::TuneReport& report) {
  std::fputs(tuning::TableText(report, flags.top).c_str(), stdout);
  if (!flags.report.empty()) SARAI_CHECK_OK(WriteWhole(flags.report, tuning::HtmlText(report)));
  if (!report.best().within_limits) return {};
  const std::string config = tuning::BestConfigText(report);
  if (!flags.output.empty()) return WriteWhole(flags.output, config);
  std::printf("\n%s", config.c_str());
  return {};
}

int RunTune(TuneFlags& flags) {
  UseOneHeap();
  BlockSignals();
  SetLogLevel(LogLevel::kError);
  const auto fail = [](const Status& status) {
    std::fprintf(stderr, "sarai: %s\n", status.message().c_str());
    return 2;
  };
  if (const Status status = FillOptions(flags); !status.ok()) return fail(status);
  const RealClock clock;
  const auto report = tuning::Tune(flags.options, clock, Events());
  if (!report) return fail(report.error());
  if (const Status status = WriteResults(flags, *report); !status.ok()) return fail(status);
  return report->best().within_limits ? 0 : 1;
}

void AddSpaceFlags(CLI::App& tune, TuneFlags& flags) {
  const auto list = [&](const char* name, auto& values, const char* help) {
    tune.add_option(name, values, help)->delimiter(',')->allow_extra_args(false);
  };
  list("--instances", flags.instances, "Numbers of instances (default: 1 to one per core)");
  list("--batch-sizes", flags.batch_sizes,
       "Sizes of batches; 0: no dynamic batching (default: 0 to max_batch_size)");
  list("--queue-delays", flags.queue_delays_us,
       "Microseconds that a batch waits to be full (default: 0,500,2000)");
  list("--threads", flags.threads, "Threads of one run; 0: the backend's choice (default: 0,1)");
  list("--precisions", flags.options.precisions,
       "f32, bf16: OpenVINO only; bf16 changes the answers (default: as it is)");
  list("--clients", flags.clients, "Requests at once, ascending (default: 1,2,4,8,16,32)");
}

}  // namespace

void AddModelTune(CLI::App& model, Run& run) {
  CLI::App* const tune = model.add_subcommand(
      "tune", "The configuration that serves most requests, by measuring on this machine");
  auto flags = std::make_shared<TuneFlags>();
  tune->add_option("folder", flags->options.folder, "Holds config.pbtxt and version folders")
      ->required()
      ->check(CLI::ExistingDirectory);
  AddSpaceFlags(*tune, *flags);
  AddFineDuration(*tune, "--p99-max", flags->options.search.limits.p99_max,
                  "The limit of latency, as 20ms or 500us (default: none)");
  AddBytes(*tune, "--memory-max", flags->options.search.limits.memory_bytes_max,
           "The limit of the model's memory (default: none)");
  AddDuration(*tune, "--trial", flags->options.trial,
              "Of the first measurement of each; the best are measured longer (default: 1s)");
  AddDuration(*tune, "--time-max", flags->options.time_max,
              "No measurement begins after it (default: 10m)");
  tune->add_option("--shape", flags->shapes, "NAME:DIMS of an input with variable dimensions")
      ->allow_extra_args(false)
      ->type_name("SHAPE");
  tune->add_option("-o,--output", flags->output,
                   "Where the best config.pbtxt goes (default: standard output)")
      ->type_name("FILE");
  tune->add_option("--report", flags->report, "An HTML page of everything measured")
      ->type_name("FILE");
  tune->add_option("--top", flags->top, "Rows of the table")->capture_default_str();
  tune->add_option("--backend-directory", flags->options.server.backend_directory,
                   "Holds libsarai_*.so")
      ->type_name("DIR");
  tune->callback([flags, &run] { run = [flags] { return RunTune(*flags); }; });
}

}  // namespace sarai::cli
