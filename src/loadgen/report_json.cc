// The report as JSON; the schema is described in docs/bench.md.
#include <algorithm>

#include "loadgen/report.h"
#include "wire/json/json.h"

namespace sarai::loadgen {
namespace {

constexpr size_t kMaxCdfPoints = 400;

json::Object Latencies(const Histogram& histogram) {
  const LatencySummary s = Summarize(histogram);
  return {{"count", s.count},
          {"min_ms", Milliseconds(s.min)},
          {"mean_ms", Milliseconds(s.mean)},
          {"p50_ms", Milliseconds(s.p50)},
          {"p90_ms", Milliseconds(s.p90)},
          {"p95_ms", Milliseconds(s.p95)},
          {"p99_ms", Milliseconds(s.p99)},
          {"p99_9_ms", Milliseconds(s.p999)},
          {"max_ms", Milliseconds(s.max)}};
}

json::Object Errors(const Tally& tally) {
  json::Object errors;
  for (const auto& [kind, error] : tally.errors())
    errors[kind] = json::Object{{"count", error.count}, {"example", error.example}};
  return errors;
}

json::Array Timeline(const StepReport& step) {
  json::Array slices;
  const double width = Milliseconds(step.tally.slice_length()) / 1e3;
  double at = 0;
  for (const Slice& slice : step.tally.slices()) {
    slices.push_back(json::Object{{"at_s", at},
                                  {"answered", slice.latency.count()},
                                  {"cold", slice.cold},
                                  {"errors", slice.errors},
                                  {"refused", slice.refused},
                                  {"p50_ms", Milliseconds(slice.latency.Percentile(0.5))},
                                  {"p99_ms", Milliseconds(slice.latency.Percentile(0.99))},
                                  {"max_ms", Milliseconds(slice.latency.max())}});
    at += width;
  }
  return slices;
}

json::Array Cdf(const Histogram& histogram) {
  const auto all = histogram.Cumulative();
  json::Array points;
  const size_t stride = all.size() / kMaxCdfPoints + 1;
  for (size_t i = 0; i < all.size(); ++i)
    if (i % stride == 0 || i + 1 == all.size())
      points.push_back(json::Array{Milliseconds(all[i].first), all[i].second});
  return points;
}

json::Array Models(const Report& report, const StepReport& step, size_t top) {
  json::Array models;
  for (const auto& [index, model] : BusiestModels(step, top))
    models.push_back(json::Object{{"model", report.models[index]},
                                  {"answered", model->answered},
                                  {"cold", model->cold},
                                  {"errors", model->errors},
                                  {"p50_ms", Milliseconds(model->latency.Percentile(0.5))},
                                  {"p99_ms", Milliseconds(model->latency.Percentile(0.99))}});
  return models;
}

json::Object Cpu(const StepReport& step) {
  json::Object cpu{{"client_seconds", step.client_cpu_seconds},
                   {"client_us_per_request", step.CpuPerReply(step.client_cpu_seconds)}};
  if (step.server_cpu_seconds) {
    cpu["server_seconds"] = *step.server_cpu_seconds;
    cpu["server_us_per_request"] = step.CpuPerReply(*step.server_cpu_seconds);
  }
  return cpu;
}

json::Object Latency(const StepReport& step) {
  json::Object latency{{"all", Latencies(step.all)},
                       {"warm", Latencies(step.tally.warm())},
                       {"cold", Latencies(step.tally.cold())}};
  if (step.tally.corrected().count() > 0) latency["corrected"] = Latencies(step.tally.corrected());
  return latency;
}

json::Object Step(const Report& report, const StepReport& step, size_t top) {
  json::Object out{{"load", step.load},
                   {"loop", step.open_loop ? "open" : "closed"},
                   {"latency_from", step.open_loop ? "intended send" : "send"},
                   {"seconds", step.seconds},
                   {"answered", step.tally.answered()},
                   {"failed", step.tally.failed()},
                   {"refused", step.tally.refused()},
                   {"abandoned", step.abandoned},
                   {"sent_late", step.sent_late},
                   {"latest_send_ms", Milliseconds(step.latest_send)},
                   {"error_rate", step.error_rate()},
                   {"requests_per_second", step.requests_per_second()},
                   {"response_bytes", step.tally.response_bytes()}};
  if (step.clients) out["clients"] = *step.clients;
  if (step.rate) out["rate"] = *step.rate;
  out["latency"] = Latency(step);
  out["errors"] = Errors(step.tally);
  out["cpu"] = Cpu(step);
  out["models"] = Models(report, step, top);
  out["slice_s"] = Milliseconds(step.tally.slice_length()) / 1e3;
  out["timeline"] = Timeline(step);
  out["cdf"] = Cdf(step.all);
  json::Array warnings;
  for (const std::string& warning : Warnings(step)) warnings.emplace_back(warning);
  out["warnings"] = std::move(warnings);
  return out;
}

}  // namespace

std::string JsonText(const Report& report, size_t top) {
  json::Array steps;
  for (const StepReport& step : report.steps) steps.push_back(Step(report, step, top));
  return json::Serialize(json::Object{{"schema", "sarai-bench/1"},
                                      {"target", report.target},
                                      {"workload", report.workload},
                                      {"model_count", report.models.size()},
                                      {"cold_by", report.cold_by},
                                      {"interrupted", report.interrupted},
                                      {"steps", std::move(steps)}});
}

}  // namespace sarai::loadgen
