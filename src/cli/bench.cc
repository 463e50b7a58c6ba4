// `sarai bench`: load on a server, and what came of it.
#include <cstdio>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/bench_display.h"
#include "cli/bench_flags.h"
#include "cli/options.h"
#include "cli/result_file.h"
#include "cli/signals.h"
#include "cli/subcommand.h"
#include "loadgen/bench.h"
#include "loadgen/compare.h"
#include "loadgen/plot.h"

namespace sarai::cli {
namespace {

int ExitCode(const loadgen::Report& report, double max_error_rate) {
  uint64_t answered = 0;
  bool too_many = false;
  for (const loadgen::StepReport& step : report.steps) {
    answered += step.tally.answered();
    too_many |= step.error_rate() > max_error_rate;
  }
  if (answered > 0 && !too_many) return 0;
  std::fprintf(stderr, "sarai: %s\n",
               answered == 0 ? "no request was answered" : "more errors than --max-error-rate");
  return 1;
}

Status WriteResults(const BenchFlags& flags, const loadgen::Report& report) {
  std::string text = loadgen::TableText(report, flags.top);
  if (!flags.no_plot) text += loadgen::TerminalPlot(report);
  std::fputs(text.c_str(), stdout);
  const std::string json = loadgen::JsonText(report, flags.top);
  if (!flags.json.empty()) SARAI_CHECK_OK(WriteWhole(flags.json, json));
  if (!flags.svg.empty()) SARAI_CHECK_OK(WriteWhole(flags.svg, loadgen::SvgText(report)));
  if (flags.baseline.empty()) return {};
  SARAI_TRY(const std::string compared, loadgen::CompareText(flags.baseline_text, json));
  std::fputs(compared.c_str(), stdout);
  return {};
}

int RunBenchCommand(BenchFlags& flags, const store::Environment& environment) {
  BlockSignals();
  const auto fail = [](const Status& status) {
    std::fprintf(stderr, "sarai: %s\n", status.message().c_str());
    return 2;
  };
  if (const Status status = FillBenchOptions(flags, environment); !status.ok()) return fail(status);
  const RealClock clock;
  BenchDisplay display(flags.quiet);
  const auto report = loadgen::RunBench(flags.options, clock, display.Events());
  display.Clear();
  if (!report) return fail(report.error());
  if (const Status status = WriteResults(flags, *report); !status.ok()) return fail(status);
  return ExitCode(*report, flags.max_error_rate);
}

}  // namespace

void AddBench(CLI::App& app, const store::Environment& environment, Run& run) {
  CLI::App* const command =
      app.add_subcommand("bench", "Load on a model server: latency, throughput, plots");
  auto flags = std::make_shared<BenchFlags>();
  AddBenchFlags(*command, *flags);
  AddLogLevel(*command);
  command->callback([flags, environment, &run] {
    run = [flags, environment] { return RunBenchCommand(*flags, environment); };
  });
}

}  // namespace sarai::cli
