#include "control/state/endpoint_record.h"

#include <array>

namespace sarai::control {
namespace {

constexpr std::array kStatuses = {EndpointStatus::kCreating, EndpointStatus::kInService,
                                  EndpointStatus::kUpdating, EndpointStatus::kDeleting,
                                  EndpointStatus::kFailed};

int64_t Micros(WallTime time) { return time.time_since_epoch().count(); }
WallTime FromMicros(int64_t micros) { return WallTime(std::chrono::microseconds(micros)); }

json::Object Encode(const DeployedVariant& variant) {
  json::Object environment;
  for (const auto& [name, value] : variant.environment) environment[name] = value;
  json::Array instances;
  for (const std::string& id : variant.instances) instances.emplace_back(id);
  return {{"name", variant.name},
          {"model_name", variant.model_name},
          {"image", variant.image},
          {"instance_type", variant.instance_type},
          {"source_url", variant.source_url},
          {"multi_model", variant.multi_model},
          {"environment", std::move(environment)},
          {"start_timeout_seconds", variant.start_timeout_seconds},
          {"volume_gib", variant.volume_gib},
          {"weight", variant.weight},
          {"instances", std::move(instances)}};
}

json::Object Encode(const Deployment& deployment) {
  json::Array variants;
  for (const DeployedVariant& variant : deployment.variants) variants.push_back(Encode(variant));
  return {{"config_name", deployment.config_name},
          {"begun_us", Micros(deployment.begun)},
          {"variants", std::move(variants)}};
}

Result<DeployedVariant> DecodeVariant(const json::ObjectView& view) {
  DeployedVariant variant;
  SARAI_TRY(variant.name, view.RequireString("name"));
  SARAI_TRY(variant.model_name, view.RequireString("model_name"));
  SARAI_TRY(variant.image, view.RequireString("image"));
  SARAI_TRY(variant.instance_type, view.RequireString("instance_type"));
  SARAI_TRY(variant.source_url, view.RequireString("source_url"));
  SARAI_TRY(const auto multi_model, view.Bool("multi_model"));
  variant.multi_model = multi_model.value_or(false);
  SARAI_TRY(variant.environment, view.StringMap("environment"));
  SARAI_TRY(variant.start_timeout_seconds, view.RequireInt("start_timeout_seconds"));
  SARAI_TRY(variant.volume_gib, view.RequireInt("volume_gib"));
  SARAI_TRY(variant.weight, view.RequireDouble("weight"));
  SARAI_TRY(variant.instances, view.Strings("instances"));
  return variant;
}

Result<std::optional<Deployment>> DecodeDeployment(const json::ObjectView& record,
                                                   std::string_view member) {
  SARAI_TRY(const auto view, record.Child(member));
  if (!view) return std::nullopt;
  Deployment deployment;
  SARAI_TRY(deployment.config_name, view->RequireString("config_name"));
  SARAI_TRY(const int64_t begun_us, view->RequireInt("begun_us"));
  deployment.begun = FromMicros(begun_us);
  SARAI_TRY(const auto variants, view->Children("variants"));
  for (const json::ObjectView& element : variants) {
    SARAI_TRY(DeployedVariant variant, DecodeVariant(element));
    deployment.variants.push_back(std::move(variant));
  }
  return deployment;
}

Result<EndpointStatus> DecodeStatus(std::string_view name) {
  for (const EndpointStatus status : kStatuses)
    if (EndpointStatusName(status) == name) return status;
  return Error(Code::kDataLoss, "no endpoint status is called '{}'", name);
}

Result<EndpointRecord> DecodeFields(const json::ObjectView& view) {
  EndpointRecord record;
  SARAI_TRY(record.name, view.RequireString("name"));
  SARAI_TRY(record.arn, view.RequireString("arn"));
  SARAI_TRY(const std::string status, view.RequireString("status"));
  SARAI_TRY(record.status, DecodeStatus(status));
  SARAI_TRY(record.failure_reason, view.RequireString("failure_reason"));
  SARAI_TRY(const int64_t created_us, view.RequireInt("created_us"));
  SARAI_TRY(const int64_t modified_us, view.RequireInt("modified_us"));
  record.created = FromMicros(created_us);
  record.modified = FromMicros(modified_us);
  SARAI_TRY(record.current, DecodeDeployment(view, "current"));
  SARAI_TRY(record.pending, DecodeDeployment(view, "pending"));
  SARAI_TRY(const auto deployment_config, view.Child("deployment_config"));
  if (deployment_config) record.deployment_config = deployment_config->object();
  return record;
}

}  // namespace

std::string_view EndpointStatusName(EndpointStatus status) {
  switch (status) {
    case EndpointStatus::kCreating: return "Creating";
    case EndpointStatus::kInService: return "InService";
    case EndpointStatus::kUpdating: return "Updating";
    case EndpointStatus::kDeleting: return "Deleting";
    case EndpointStatus::kFailed: return "Failed";
  }
  return "OutOfService";
}

std::string EncodeEndpoint(const EndpointRecord& record) {
  json::Object object = {{"name", record.name},
                         {"arn", record.arn},
                         {"status", EndpointStatusName(record.status)},
                         {"failure_reason", record.failure_reason},
                         {"created_us", Micros(record.created)},
                         {"modified_us", Micros(record.modified)},
                         {"deployment_config", record.deployment_config}};
  if (record.current) object["current"] = Encode(*record.current);
  if (record.pending) object["pending"] = Encode(*record.pending);
  return json::Serialize(object);
}

Result<EndpointRecord> DecodeEndpoint(std::string_view text) {
  SARAI_TRY(const json::Object object, json::ParseObject(text));
  auto record = DecodeFields(json::ObjectView(object));
  if (!record) return Error(Code::kDataLoss, "endpoint record: {}", record.error().message());
  return record;
}

}  // namespace sarai::control
