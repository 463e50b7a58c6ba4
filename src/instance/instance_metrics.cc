#include "instance/instance_metrics.h"

#include <utility>
#include <vector>

namespace sarai::instance {
namespace {

constexpr char kOtherModels[] = "(other)";
constexpr char kMemoryGauge[] = "sarai_model_memory_bytes";
constexpr char kInFlightGauge[] = "sarai_model_in_flight_requests";

const std::vector<double> kRequestBounds = {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                            0.25,   0.5,   1,      2.5,   5,    10,    30,   60};
const std::vector<double> kModelBounds = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                          0.5,   1,     2.5,  5,     10,   30,  60};

}  // namespace

InstanceMetrics::InstanceMetrics(uint32_t max_models) : max_models_(max_models) {
  const auto counter = [this](const char* name, const char* help) {
    return registry_.GetCounter(name, help);
  };
  hits_ = counter("sarai_model_cache_hits", "Requests whose model was loaded when they came");
  misses_ = counter("sarai_model_cache_misses", "Requests that waited for their model");
  refusals_ = counter("sarai_refused_requests", "Requests that got no model: missing, not in time");
  fetched_bytes_ = counter("sarai_fetched_bytes", "Bytes of artifacts unpacked to the disk tier");
  fetch_failures_ = counter("sarai_fetch_failures", "Fetches that failed");
  load_failures_ = counter("sarai_load_failures", "Loads that failed");
  evictions_ = counter("sarai_evictions", "Models unloaded to make room");
  disk_deletions_ = counter("sarai_disk_deletions", "Artifacts deleted from the disk tier");
  swaps_ = counter("sarai_version_swaps", "New versions put in the place of old ones");
  const auto histogram = [this](const char* name, const char* help, const auto& bounds) {
    return registry_.GetHistogram(name, help, bounds);
  };
  request_seconds_ = histogram("sarai_request_seconds",
                               "From a request's arrival to its answer, waiting for the model "
                               "included",
                               kRequestBounds);
  wait_seconds_ =
      histogram("sarai_model_wait_seconds", "Waits of requests for their model", kModelBounds);
  fetch_seconds_ = histogram("sarai_fetch_seconds", "Fetching and unpacking", kModelBounds);
  load_seconds_ = histogram("sarai_load_seconds", "Loading into memory", kModelBounds);
  unload_seconds_ = histogram("sarai_unload_seconds", "Draining and freeing", kModelBounds);
}

std::string InstanceMetrics::SeriesName(const std::string& model) {
  return models_.size() < max_models_ ? model : kOtherModels;
}

std::shared_ptr<ModelMetrics> InstanceMetrics::OfModel(const std::string& name) {
  std::lock_guard lock(mu_);
  if (const auto it = models_.find(name); it != models_.end()) return it->second;
  const std::string series = SeriesName(name);
  if (const auto it = models_.find(series); it != models_.end()) return it->second;
  const telemetry::Labels labels = {{"model", series}};
  auto metrics = std::make_shared<ModelMetrics>(ModelMetrics{
      .requests = registry_.GetCounter("sarai_model_requests", "Inference requests", labels),
      .failures =
          registry_.GetCounter("sarai_model_failures", "Inference requests that failed", labels),
      .cold_requests = registry_.GetCounter("sarai_model_cold_requests",
                                            "Inference requests that waited for the model", labels),
      .request_seconds =
          registry_.GetCounter("sarai_model_request_seconds", "Sum of the requests' times", labels),
      .loads = registry_.GetCounter("sarai_model_loads", "Loads into memory", labels),
      .evictions = registry_.GetCounter("sarai_model_evictions", "Unloads to make room", labels)});
  models_.emplace(series, metrics);
  return metrics;
}

void InstanceMetrics::CountRequest(ModelMetrics& model, bool ok, Duration took) {
  model.requests->Add();
  if (!ok) model.failures->Add();
  model.request_seconds->Add(Seconds(took));
  request_seconds_->Observe(Seconds(took));
}

void InstanceMetrics::CountMiss(ModelMetrics& model, Duration waited) {
  misses_->Add();
  model.cold_requests->Add();
  wait_seconds_->Observe(Seconds(waited));
}

void InstanceMetrics::CountFetch(bool ok, Duration took, uint64_t bytes) {
  if (!ok) return fetch_failures_->Add();
  fetch_seconds_->Observe(Seconds(took));
  fetched_bytes_->Add(static_cast<double>(bytes));
}

void InstanceMetrics::CountLoad(ModelMetrics& model, bool ok, Duration took) {
  if (!ok) return load_failures_->Add();
  model.loads->Add();
  load_seconds_->Observe(Seconds(took));
}

void InstanceMetrics::CountEviction(ModelMetrics& model) {
  evictions_->Add();
  model.evictions->Add();
}

void InstanceMetrics::SetGauge(const std::string& name, const std::string& help, double value,
                               const telemetry::Labels& labels) {
  registry_.GetGauge(name, help, labels)->Set(value);
}

void InstanceMetrics::SetModelGauges(
    const std::map<std::string, std::pair<double, double>>& memory_and_in_flight) {
  std::map<std::string, std::pair<double, double>> by_series;
  std::lock_guard lock(mu_);
  for (const auto& [series, metrics] : models_) by_series[series] = {0, 0};
  for (const auto& [model, values] : memory_and_in_flight) {
    const std::string series = models_.contains(model) ? model : kOtherModels;
    by_series[series].first += values.first;
    by_series[series].second += values.second;
  }
  for (const auto& [series, values] : by_series) {
    const telemetry::Labels labels = {{"model", series}};
    SetGauge(kMemoryGauge, "Measured private bytes of the loaded model", values.first, labels);
    SetGauge(kInFlightGauge, "Requests queued or running", values.second, labels);
  }
}

}  // namespace sarai::instance
