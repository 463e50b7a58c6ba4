#include "loadgen/report.h"

#include <algorithm>

#include <fmt/format.h>

namespace sarai::loadgen {

LatencySummary Summarize(const Histogram& h) {
  return {.count = h.count(),
          .min = h.min(),
          .mean = h.mean(),
          .p50 = h.Percentile(0.5),
          .p90 = h.Percentile(0.9),
          .p95 = h.Percentile(0.95),
          .p99 = h.Percentile(0.99),
          .p999 = h.Percentile(0.999),
          .max = h.max()};
}

double StepReport::error_rate() const {
  const auto bad = static_cast<double>(tally.failed() + tally.refused() + abandoned);
  const double all = bad + static_cast<double>(tally.answered());
  return all > 0 ? bad / all : 0;
}

double StepReport::CpuPerReply(double cpu_seconds) const {
  const uint64_t replies = tally.answered() + tally.failed();
  return replies > 0 ? 1e6 * cpu_seconds / static_cast<double>(replies) : 0;
}

std::vector<std::string> Warnings(const StepReport& step) {
  constexpr double kBusy = 0.85;  // of a thread: beyond it, it queues by itself
  std::vector<std::string> warnings;
  const double busy =
      step.seconds > 0 ? step.client_cpu_seconds / step.seconds / step.client_threads : 0;
  if (busy > kBusy)
    warnings.push_back(fmt::format(
        "the generator itself was the limit: its {} thread{} busy {:.0f} % of the time; give "
        "--threads more, or fewer clients",
        step.client_threads, step.client_threads == 1 ? " was" : "s were", 100 * busy));
  const uint64_t sent = step.tally.answered() + step.tally.failed() + step.abandoned;
  if (step.open_loop && step.sent_late * 100 > sent)
    warnings.push_back(fmt::format(
        "{} of {} requests were sent more than {} late (at most {}): the generator had no "
        "processor when they were due",
        step.sent_late, sent, DurationText(kLateSend), DurationText(step.latest_send)));
  if (step.tally.refused() > 0)
    warnings.push_back(fmt::format(
        "{} requests were due and not sent, because --max-outstanding were under way: the server "
        "does not keep up with this rate",
        step.tally.refused()));
  if (step.abandoned > 0)
    warnings.push_back(fmt::format("{} requests were still unanswered at the end", step.abandoned));
  return warnings;
}

std::vector<std::pair<size_t, const ModelTally*>> BusiestModels(const StepReport& step,
                                                                size_t top) {
  std::vector<std::pair<size_t, const ModelTally*>> models;
  for (const auto& [index, tally] : step.tally.models()) models.emplace_back(index, &tally);
  std::ranges::stable_sort(models, std::greater(), [](const auto& model) {
    return model.second->answered + model.second->errors;
  });
  if (models.size() > top) models.resize(top);
  return models;
}

std::string DurationText(Duration duration) {
  const auto ns = static_cast<double>(duration.count());
  const auto text = [](double value, const char* unit) {
    const int decimals = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    return fmt::format("{:.{}f} {}", value, decimals, unit);
  };
  if (ns < 999'500) return text(ns / 1e3, "us");
  return ns < 999.5e6 ? text(ns / 1e6, "ms") : text(ns / 1e9, "s");
}

}  // namespace sarai::loadgen
