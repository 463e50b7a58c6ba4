#include "instance/front/front_door.h"

#include <map>
#include <string>
#include <utility>

#include "instance/front/reply.h"

namespace sarai::instance {
namespace {

void SetGauges(InstanceMetrics& metrics, const Totals& totals) {
  const policy::ResidencyTotals& residency = totals.residency;
  const auto set = [&metrics](const char* name, const char* help, auto value,
                              const telemetry::Labels& labels = {}) {
    metrics.SetGauge(name, help, static_cast<double>(value), labels);
  };
  set("sarai_memory_budget_bytes", "Private bytes that models may hold; 0 = unbounded",
      totals.memory_budget_bytes);
  set("sarai_memory_used_bytes", "Held by loaded, loading and draining models",
      residency.memory_used_bytes);
  set("sarai_memory_overhead_bytes", "Held beyond the models' own bytes",
      residency.memory_overhead_bytes);
  set("sarai_disk_budget_bytes", "Bytes that artifacts may take; 0 = unbounded",
      totals.disk_budget_bytes);
  set("sarai_disk_used_bytes", "Taken by artifacts on disk", residency.disk_used_bytes);
  set("sarai_waiting_requests", "Requests that wait for their model", residency.waiting);
  set("sarai_in_flight_requests", "Requests queued or running", totals.in_flight);
  constexpr char kModels[] = "sarai_models";
  constexpr char kModelsHelp[] = "Models by state";
  set(kModels, kModelsHelp, residency.ready, {{"state", "ready"}});
  set(kModels, kModelsHelp, residency.loading, {{"state", "loading"}});
  set(kModels, kModelsHelp, residency.fetching, {{"state", "fetching"}});
  set(kModels, kModelsHelp, residency.draining, {{"state", "draining"}});
  set(kModels, kModelsHelp, residency.on_disk, {{"state", "on_disk"}});
}

void SetModelGauges(InstanceMetrics& metrics, const std::vector<ServingModelPtr>& models) {
  std::map<std::string, std::pair<double, double>> values;
  for (const ServingModelPtr& model : models)
    values[model->name] = {static_cast<double>(model->handle.info().memory_bytes),
                           static_cast<double>(model->handle.counters().in_flight)};
  metrics.SetModelGauges(values);
}

}  // namespace

void FrontDoor::Handle(http::Request request, http::Responder respond) {
  const auto target = http::ParseTarget(request.target);
  if (!target) return respond(ErrorReply(400, target.error()));
  if (auto refused = restrictions_.Refuse(request, *target)) return respond(std::move(*refused));
  const std::string first = target->segments.empty() ? "" : target->segments.front();
  if (settings_.Serves(*target)) return settings_.Handle(request, *target, std::move(respond));
  if (first == "v2") return kserve_.Handle(std::move(request), *target, std::move(respond));
  if (first == "sarai") return admin_.Handle(std::move(request), *target, std::move(respond));
  if (first == "metrics") return HandleMetrics(std::move(request), std::move(respond));
  mme_.Handle(std::move(request), *target, std::move(respond));
}

void FrontDoor::HandleMetrics(http::Request request, http::Responder respond) {
  const auto target = http::ParseTarget(request.target);
  const bool right_path =
      target && (target->raw_path == "/metrics" || target->raw_path == "/metrics/");
  if (!right_path) return respond(NoRouteReply(request, ""));
  if (request.method != "GET") return respond(NoRouteReply(request, "GET"));
  const std::string_view accepted = request.headers.Get("Accept");
  Metrics(accepted.find("application/openmetrics-text") != accepted.npos, std::move(respond));
}

void FrontDoor::Metrics(bool openmetrics, http::Responder respond) {
  manager_.GetTotals(
      [this, openmetrics, respond = std::move(respond)](const Totals& totals) mutable {
        writer_.Post([this, openmetrics, totals, respond = std::move(respond)]() mutable {
          respond(MetricsReply(totals, openmetrics));
        });
      });
}

http::Response FrontDoor::MetricsReply(const Totals& totals, bool openmetrics) {
  const std::vector<ServingModelPtr> models = manager_.AllServing();
  SetGauges(*metrics_, totals);
  SetModelGauges(*metrics_, models);
  observability_.SetGauges(*metrics_);
  http::Response response = EmptyReply(200);
  response.headers.Add("Content-Type", openmetrics ? telemetry::kOpenMetricsContentType
                                                   : telemetry::kPrometheusContentType);
  response.body.push_back(Blob::FromString(triton_metrics_.Render(models, openmetrics)));
  response.body.push_back(
      Blob::FromString(openmetrics ? metrics_->Render() : metrics_->RenderPrometheus()));
  return response;
}

}  // namespace sarai::instance
