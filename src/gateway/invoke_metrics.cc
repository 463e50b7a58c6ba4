#include "gateway/invoke_metrics.h"

#include <vector>

namespace sarai::gateway {
namespace {

constexpr char kNamespace[] = "AWS/SageMaker";
constexpr char kOtherModels[] = "other";

const std::vector<double>& LatencyBounds() {
  static const std::vector<double> bounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                             0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
  return bounds;
}

}  // namespace

InvokeMetrics::ModelSeries& InvokeMetrics::SeriesLocked(const std::string& endpoint,
                                                        const std::string& model) {
  auto key = std::make_pair(endpoint, model);
  if (const auto it = model_series_.find(key); it != model_series_.end()) return it->second;
  if (model_series_.size() >= max_model_series_) key.second = kOtherModels;
  auto [it, is_new] = model_series_.try_emplace(key);
  if (is_new) {
    const telemetry::Labels labels = {{"endpoint", key.first}, {"model", key.second}};
    it->second.invocations = registry_.GetCounter(
        "sarai_invocations", "Inferences by model: InvokeEndpoint and KServe", labels);
    it->second.cold = registry_.GetCounter("sarai_cold_invocations",
                                           "Calls that found their model not loaded", labels);
    it->second.errors = registry_.GetCounter("sarai_invocation_errors",
                                             "Calls answered by anything but 2xx", labels);
    it->second.latency_seconds = registry_.GetHistogram(
        "sarai_model_latency_seconds", "Time in and to the instance", LatencyBounds(), labels);
  }
  return it->second;
}

void InvokeMetrics::AddLocked(const VariantKey& key, const char* name, const char* unit,
                              double value) {
  Gathered& gathered = gathered_[key][name];
  if (gathered.unit.empty()) gathered.unit = unit;
  gathered.values.Add(value);
}

void InvokeMetrics::Record(const std::string& endpoint, const std::string& variant,
                           const std::string& model, const InvokeOutcome& outcome) {
  const int status_class = outcome.container_status / 100;
  const bool ok = status_class == 2;
  std::lock_guard lock(mu_);
  const VariantKey key{endpoint, variant};
  AddLocked(key, "Invocations", "None", 1);
  AddLocked(key, "InvocationsPerInstance", "None",
            1.0 / static_cast<double>(std::max<size_t>(outcome.instances, 1)));
  AddLocked(key, "Invocation4XXErrors", "None", status_class == 4 ? 1 : 0);
  AddLocked(key, "Invocation5XXErrors", "None", status_class == 5 ? 1 : 0);
  AddLocked(key, "InvocationModelErrors", "None", ok ? 0 : 1);
  AddLocked(key, "OverheadLatency", "Microseconds",
            static_cast<double>(Microseconds(outcome.overhead_latency)));
  if (outcome.has_model_latency)
    AddLocked(key, "ModelLatency", "Microseconds",
              static_cast<double>(Microseconds(outcome.model_latency)));
  if (outcome.knows_residency) {
    AddLocked(key, "ModelCacheHit", "None", outcome.cold ? 0 : 1);
    if (outcome.cold)
      AddLocked(key, "ModelLoadingWaitTime", "Microseconds", outcome.wait_ms * 1000);
  }
  if (model.empty()) return;
  ModelSeries& series = SeriesLocked(endpoint, model);
  series.invocations->Add();
  if (outcome.cold) series.cold->Add();
  if (!ok) series.errors->Add();
  if (outcome.has_model_latency)
    series.latency_seconds->Observe(Milliseconds(outcome.model_latency) / 1000);
}

void InvokeMetrics::Flush(WallTime now, const MetricSink& sink) {
  decltype(gathered_) gathered;
  {
    std::lock_guard lock(mu_);
    gathered.swap(gathered_);
  }
  if (!sink) return;
  for (auto& [key, metrics] : gathered)
    for (auto& [name, value] : metrics)
      sink(MetricSample{
          .id = {kNamespace, name, {{"EndpointName", key.first}, {"VariantName", key.second}}},
          .unit = value.unit,
          .at = now,
          .values = value.values});
}

}  // namespace sarai::gateway
