// The report as a table for people.
#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "base/bytes.h"
#include "loadgen/report.h"

namespace sarai::loadgen {
namespace {

using Out = std::back_insert_iterator<std::string>;

void AddLatencies(Out out, const char* what, const Histogram& histogram) {
  if (histogram.count() == 0) return;
  const LatencySummary s = Summarize(histogram);
  fmt::format_to(out, "  {:<10} {:>9}", what, s.count);
  for (const Duration d : {s.mean, s.p50, s.p90, s.p95, s.p99, s.p999, s.max})
    fmt::format_to(out, " {:>9}", DurationText(d));
  fmt::format_to(out, "\n");
}

void AddLatencyTable(Out out, const StepReport& step) {
  if (step.all.count() == 0) return;
  fmt::format_to(out, "  {:<10} {:>9}", step.open_loop ? "from due" : "service", "count");
  for (const char* const name : {"mean", "p50", "p90", "p95", "p99", "p99.9", "max"})
    fmt::format_to(out, " {:>9}", name);
  fmt::format_to(out, "\n");
  const bool both = step.tally.cold().count() > 0;
  AddLatencies(out, both ? "all" : "warm", step.all);
  if (both) AddLatencies(out, "warm", step.tally.warm());
  AddLatencies(out, "cold", step.tally.cold());
  AddLatencies(out, "corrected", step.tally.corrected());
}

void AddCpu(Out out, const StepReport& step) {
  const auto add = [&](const char* who, double seconds) {
    fmt::format_to(out, "{} {:.1f} us a request, {:.0f} % of a core", who,
                   step.CpuPerReply(seconds), step.seconds > 0 ? 100 * seconds / step.seconds : 0);
  };
  fmt::format_to(out, "  CPU        ");
  add("client", step.client_cpu_seconds);
  if (step.server_cpu_seconds) add("; server", *step.server_cpu_seconds);
  if (step.open_loop)
    fmt::format_to(out, "\n  lag        sent at most {} after it was due, {} later than {}",
                   DurationText(step.latest_send), step.sent_late, DurationText(kLateSend));
  fmt::format_to(out, "\n");
}

void AddErrors(Out out, const StepReport& step) {
  for (const auto& [kind, error] : step.tally.errors())
    fmt::format_to(out, "  {:<10} {:>9}  {}\n", kind, error.count, error.example);
}

void AddModels(Out out, const Report& report, const StepReport& step, size_t top) {
  if (report.models.size() < 2 || top == 0) return;
  fmt::format_to(out, "  {:<28} {:>9} {:>7} {:>7} {:>9} {:>9}\n", "busiest models", "answered",
                 "cold", "errors", "p50", "p99");
  for (const auto& [index, model] : BusiestModels(step, top))
    fmt::format_to(out, "  {:<28} {:>9} {:>7} {:>7} {:>9} {:>9}\n", report.models[index],
                   model->answered, model->cold, model->errors,
                   DurationText(model->latency.Percentile(0.5)),
                   DurationText(model->latency.Percentile(0.99)));
}

void AddStep(Out out, const Report& report, const StepReport& step, size_t top) {
  fmt::format_to(out, "\n{}: {:.0f} req/s over {:.1f} s, {} answered", step.load,
                 step.requests_per_second(), step.seconds, step.tally.answered());
  if (step.tally.failed() > 0) fmt::format_to(out, ", {} failed", step.tally.failed());
  if (step.tally.refused() > 0) fmt::format_to(out, ", {} not sent", step.tally.refused());
  fmt::format_to(out, ", {} received\n", FormatBytes(step.tally.response_bytes()));
  AddLatencyTable(out, step);
  AddCpu(out, step);
  AddErrors(out, step);
  AddModels(out, report, step, top);
  for (const std::string& warning : Warnings(step)) fmt::format_to(out, "  ! {}\n", warning);
}

// One line a step, when there are several.
void AddOverview(Out out, const Report& report) {
  fmt::format_to(out, "\n{:<24} {:>9} {:>9} {:>9} {:>9} {:>8}\n", "load", "req/s", "p50", "p99",
                 "p99.9", "errors");
  for (const StepReport& step : report.steps)
    fmt::format_to(out, "{:<24} {:>9.0f} {:>9} {:>9} {:>9} {:>7.2f}%\n", step.load,
                   step.requests_per_second(), DurationText(step.all.Percentile(0.5)),
                   DurationText(step.all.Percentile(0.99)),
                   DurationText(step.all.Percentile(0.999)), 100 * step.error_rate());
}

}  // namespace

std::string TableText(const Report& report, size_t top) {
  std::string text;
  const Out out(text);
  fmt::format_to(out, "{}\n{}\n", report.target, report.workload);
  for (const StepReport& step : report.steps) AddStep(out, report, step, top);
  if (report.steps.size() > 1) AddOverview(out, report);
  const bool cold = std::ranges::any_of(
      report.steps, [](const StepReport& step) { return step.tally.cold().count() > 0; });
  if (cold) fmt::format_to(out, "\ncold as told by {}\n", report.cold_by);
  if (report.interrupted) fmt::format_to(out, "\ninterrupted: the results so far\n");
  return text;
}

}  // namespace sarai::loadgen
