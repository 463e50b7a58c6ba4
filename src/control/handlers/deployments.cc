#include "control/handlers/deployments.h"

#include <array>
#include <set>
#include <utility>
#include <vector>

#include "control/handlers/model_source.h"

namespace sarai::control {
namespace {

using VariantPlan = std::pair<DeployedVariant, int64_t>;  // without its instances; their count

Result<VariantPlan> ReadVariant(const json::ObjectView& view) {
  VariantPlan plan;
  DeployedVariant& variant = plan.first;
  SARAI_TRY(variant.name, view.RequireString("VariantName"));
  if (view.Has("ServerlessConfig"))
    return Error(Code::kUnimplemented,
                 "Variant {}: ServerlessConfig is not served; give InstanceType and "
                 "InitialInstanceCount.",
                 variant.name);
  SARAI_TRY(variant.model_name, view.RequireString("ModelName"));
  SARAI_TRY(variant.instance_type, view.RequireString("InstanceType"));
  SARAI_TRY(const auto count, view.Int("InitialInstanceCount"));
  plan.second = count.value_or(1);
  if (plan.second < 1)
    return Error(Code::kInvalidArgument,
                 "1 validation error detected: Value '{}' at 'initialInstanceCount' failed to "
                 "satisfy constraint: Member must have value greater than or equal to 1",
                 plan.second);
  SARAI_TRY(const auto weight, view.Double("InitialVariantWeight"));
  variant.weight = weight.value_or(1);
  SARAI_TRY(const auto volume, view.Int("VolumeSizeInGB"));
  variant.volume_gib = volume.value_or(0);
  SARAI_TRY(const auto timeout, view.Int("ContainerStartupHealthCheckTimeoutInSeconds"));
  variant.start_timeout_seconds = timeout.value_or(0);
  return plan;
}

Status CheckServed(const json::ObjectView& config) {
  static constexpr std::array<std::string_view, 3> kUnserved = {
      "AsyncInferenceConfig", "ExplainerConfig", "ShadowProductionVariants"};
  for (const std::string_view member : kUnserved)
    if (config.Has(member))
      return MakeStatus(Code::kUnimplemented, "{} is not served; leave it out.", member);
  return {};
}

Result<std::vector<VariantPlan>> ReadVariants(const json::Object& config) {
  const json::ObjectView view(config);
  SARAI_CHECK_OK(CheckServed(view));
  SARAI_TRY(const auto elements, view.Children("ProductionVariants"));
  if (elements.empty())
    return Error(Code::kInvalidArgument, "ProductionVariants must not be empty.");
  std::vector<VariantPlan> plans;
  std::set<std::string> names;
  for (const json::ObjectView& element : elements) {
    SARAI_TRY(VariantPlan plan, ReadVariant(element));
    if (!names.insert(plan.first.name).second)
      return Error(Code::kInvalidArgument,
                   "The variant name \"{}\" was non-unique within the request.", plan.first.name);
    plans.push_back(std::move(plan));
  }
  return plans;
}

std::expected<void, AwsError> AddModel(SageMakerServices& services, const std::string& region,
                                       DeployedVariant& variant) {
  SARAI_API_TRY(const auto model, services.state.models.Find(variant.model_name));
  if (!model)
    return CouldNotFind(ResourceKind::kModel, ArnOf(ResourceKind::kModel, variant.model_name,
                                                    region, services.options.account));
  SARAI_API_TRY(ModelSource source, SourceOf(model->request));
  variant.image = std::move(source.image);
  variant.source_url = std::move(source.url);
  variant.multi_model = source.multi_model;
  variant.environment = std::move(source.environment);
  return {};
}

std::expected<std::vector<VariantPlan>, AwsError> PlanVariants(SageMakerServices& services,
                                                               const json::Object& config,
                                                               const std::string& region) {
  SARAI_API_TRY(std::vector<VariantPlan> plans, ReadVariants(config));
  for (VariantPlan& plan : plans)
    if (auto added = AddModel(services, region, plan.first); !added)
      return std::unexpected(added.error());
  return plans;
}

int64_t InstancesInUse(const EndpointTable& endpoints) {
  size_t count = 0;
  for (const auto& [name, endpoint] : endpoints.all()) {
    if (endpoint.status == EndpointStatus::kFailed || endpoint.status == EndpointStatus::kDeleting)
      continue;
    for (const auto* const deployment : {&endpoint.current, &endpoint.pending})
      if (*deployment)
        for (const DeployedVariant& variant : (*deployment)->variants)
          count += variant.instances.size();
  }
  return static_cast<int64_t>(count);
}

void Retain(const RetainedProperties& retained, VariantPlan& plan) {
  if (const auto it = retained.instance_counts.find(plan.first.name);
      it != retained.instance_counts.end())
    plan.second = static_cast<int64_t>(it->second);
  if (const auto it = retained.weights.find(plan.first.name); it != retained.weights.end())
    plan.first.weight = it->second;
}

}  // namespace

std::expected<void, AwsError> CheckInstanceLimit(const SageMakerServices& services,
                                                 const std::string& instance_type, int64_t delta) {
  const int64_t used = InstancesInUse(services.state.endpoints);
  const int64_t limit = services.options.max_instances;
  if (delta <= limit - used) return {};
  return std::unexpected(AwsError{
      "ResourceLimitExceeded",
      fmt::format("The account-level service limit '{} for endpoint usage' is {} Instances, with "
                  "current utilization of {} Instances and a request delta of {} Instances. Raise "
                  "the server's limit, or delete an endpoint.",
                  instance_type, limit, used, delta)});
}

std::expected<Deployment, AwsError> MakeDeployment(SageMakerServices& services,
                                                   const std::string& config_name,
                                                   const std::string& endpoint,
                                                   const std::string& region,
                                                   const RetainedProperties& retained) {
  SARAI_API_TRY(const auto config, services.state.endpoint_configs.Find(config_name));
  if (!config)
    return CouldNotFind(
        ResourceKind::kEndpointConfig,
        ArnOf(ResourceKind::kEndpointConfig, config_name, region, services.options.account));
  auto plans = PlanVariants(services, config->request, region);
  if (!plans) return std::unexpected(plans.error());
  int64_t total = 0;
  for (VariantPlan& plan : *plans) {
    Retain(retained, plan);
    if (plan.second > services.options.max_instances - total)
      total = services.options.max_instances + 1;  // whatever the sum, it is too much
    else
      total += plan.second;
    if (auto allowed = CheckInstanceLimit(services, plan.first.instance_type, total); !allowed)
      return std::unexpected(allowed.error());
  }
  Deployment deployment{.config_name = config->name, .begun = services.clock.WallNow()};
  for (auto& [variant, count] : *plans) {
    SARAI_API_TRY(variant.instances,
                  services.state.endpoints.NewInstanceIds(endpoint, variant.name, count));
    deployment.variants.push_back(std::move(variant));
  }
  return deployment;
}

std::expected<void, AwsError> CheckEndpointConfig(SageMakerServices& services,
                                                  const json::Object& request,
                                                  const std::string& region) {
  const auto plans = PlanVariants(services, request, region);
  if (!plans) return std::unexpected(plans.error());
  return {};
}

}  // namespace sarai::control
