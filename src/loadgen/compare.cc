#include "loadgen/compare.h"

#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "wire/json/json.h"

namespace sarai::loadgen {
namespace {

struct Figures {
  double per_second = 0, p50 = 0, p99 = 0, p999 = 0;
  std::optional<double> server_cpu;
};

Result<Figures> ReadFigures(const json::ObjectView& step) {
  Figures figures;
  SARAI_TRY(figures.per_second, step.RequireDouble("requests_per_second"));
  SARAI_TRY(const auto latency, step.Child("latency"));
  if (!latency) return Error(Code::kInvalidArgument, "it has no latencies");
  SARAI_TRY(const auto all, latency->Child("all"));
  if (!all) return Error(Code::kInvalidArgument, "it has no latencies");
  SARAI_TRY(figures.p50, all->RequireDouble("p50_ms"));
  SARAI_TRY(figures.p99, all->RequireDouble("p99_ms"));
  SARAI_TRY(figures.p999, all->RequireDouble("p99_9_ms"));
  SARAI_TRY(const auto cpu, step.Child("cpu"));
  if (cpu && cpu->Has("server_us_per_request")) {
    SARAI_TRY(figures.server_cpu, cpu->RequireDouble("server_us_per_request"));
  }
  return figures;
}

using Steps = std::vector<std::pair<std::string, Figures>>;  // by their load

Result<Steps> ReadSteps(std::string_view text) {
  SARAI_TRY(const json::Object object, json::ParseObject(text));
  const json::ObjectView report(object);
  SARAI_TRY(const std::string schema, report.RequireString("schema"));
  if (schema != "sarai-bench/1")
    return Error(Code::kInvalidArgument, "its schema is '{}', not sarai-bench/1", schema);
  SARAI_TRY(const auto children, report.Children("steps"));
  Steps steps;
  for (const json::ObjectView& step : children) {
    SARAI_TRY(std::string load, step.RequireString("load"));
    SARAI_TRY(const Figures figures, ReadFigures(step));
    steps.emplace_back(std::move(load), figures);
  }
  return steps;
}

std::string Ratio(std::optional<double> now, std::optional<double> before) {
  if (!now || !before || *before <= 0) return "-";
  return fmt::format("{:.2f}", *now / *before);
}

}  // namespace

Result<std::string> CompareText(std::string_view before_json, std::string_view now_json) {
  const auto before = ReadSteps(before_json);
  if (!before) return Error(before.error().WithContext("the baseline"));
  SARAI_TRY(const Steps now, ReadSteps(now_json));
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "\n{:<24} {:>9} {:>9} {:>9} {:>9} {:>11}\n", "now / baseline", "req/s", "p50",
                 "p99", "p99.9", "server CPU");
  bool any = false;
  for (const auto& [load, figures] : now)
    for (const auto& [other, old] : *before) {
      if (other != load) continue;
      any = true;
      fmt::format_to(out, "{:<24} {:>9} {:>9} {:>9} {:>9} {:>11}\n", load,
                     Ratio(figures.per_second, old.per_second), Ratio(figures.p50, old.p50),
                     Ratio(figures.p99, old.p99), Ratio(figures.p999, old.p999),
                     Ratio(figures.server_cpu, old.server_cpu));
    }
  if (any) return text;
  return Error(Code::kInvalidArgument, "the baseline has none of these loads");
}

}  // namespace sarai::loadgen
