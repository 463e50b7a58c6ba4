// What an instance counts and measures, under its OpenMetrics names; the instance as a whole and
// each model. The number of models with series of their own is bounded: later ones share one.
//
// Threads: any. Updating is a relaxed atomic; OfModel takes a lock and is called once per load.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "telemetry/metrics.h"

namespace sarai::instance {

struct ModelMetrics {
  std::shared_ptr<telemetry::Counter> requests, failures, cold_requests, request_seconds;
  std::shared_ptr<telemetry::Counter> loads, evictions;
};

class InstanceMetrics {
 public:
  explicit InstanceMetrics(uint32_t max_models);

  // The same model gives the same object.
  std::shared_ptr<ModelMetrics> OfModel(const std::string& name);

  // A request that reached the engine has been answered.
  void CountRequest(ModelMetrics& model, bool ok, Duration took);
  void CountHit() { hits_->Add(); }
  void CountMiss(ModelMetrics& model, Duration waited);
  void CountRefusal() { refusals_->Add(); }

  void CountFetch(bool ok, Duration took, uint64_t bytes);
  void CountLoad(ModelMetrics& model, bool ok, Duration took);
  void CountUnload(Duration took) { unload_seconds_->Observe(Seconds(took)); }
  void CountEviction(ModelMetrics& model);
  void CountDiskDeletion() { disk_deletions_->Add(); }
  void CountSwap() { swaps_->Add(); }

  // Set when they are asked for; a gauge of a model that is not loaded is dropped.
  void SetGauge(const std::string& name, const std::string& help, double value,
                const telemetry::Labels& labels = {});
  void SetModelGauges(const std::map<std::string, std::pair<double, double>>& memory_and_in_flight);

  std::string Render() const { return registry_.Render(); }
  std::string RenderPrometheus() const { return registry_.RenderPrometheus(); }

 private:
  static double Seconds(Duration d) { return std::chrono::duration<double>(d).count(); }
  std::string SeriesName(const std::string& model);  // the model's own, or "(other)"

  telemetry::Registry registry_;
  const uint32_t max_models_;
  std::shared_ptr<telemetry::Counter> hits_, misses_, refusals_, fetched_bytes_, fetch_failures_,
      load_failures_, evictions_, disk_deletions_, swaps_;
  std::shared_ptr<telemetry::Histogram> request_seconds_, wait_seconds_, fetch_seconds_,
      load_seconds_, unload_seconds_;

  std::mutex mu_;
  std::map<std::string, std::shared_ptr<ModelMetrics>> models_;  // guarded by mu_
};

}  // namespace sarai::instance
