// CreateEndpoint, UpdateEndpoint, DeleteEndpoint: each changes what is desired, answers, and leaves
// the rest to reconcile.
#include <algorithm>
#include <set>

#include "control/handlers/deployments.h"
#include "control/handlers/handlers.h"
#include "control/handlers/tags.h"

namespace sarai::control {
namespace {

std::string ArnOfEndpoint(const SageMakerServices& services, const ApiCall& call,
                          std::string_view name) {
  return ArnOf(ResourceKind::kEndpoint, name, call.region, services.options.account);
}

std::expected<EndpointRecord, AwsError> FindEndpoint(const SageMakerServices& services,
                                                     const ApiCall& call) {
  SARAI_API_TRY(const std::string name, call.view().RequireString("EndpointName"));
  const EndpointRecord* const endpoint = services.state.endpoints.Find(name);
  if (endpoint == nullptr)
    return CouldNotFind(ResourceKind::kEndpoint, ArnOfEndpoint(services, call, name));
  return *endpoint;
}

std::unexpected<AwsError> InProgress(const EndpointRecord& endpoint) {
  return ValidationException(
      fmt::format("Cannot update in-progress endpoint \"{}\".", endpoint.arn));
}

// Updates of any kind need an endpoint that is in service.
std::expected<EndpointRecord, AwsError> FindUpdatable(const SageMakerServices& services,
                                                      const ApiCall& call) {
  auto endpoint = FindEndpoint(services, call);
  if (!endpoint) return endpoint;
  if (endpoint->status == EndpointStatus::kInService && endpoint->current) return endpoint;
  if (endpoint->status == EndpointStatus::kFailed)
    return ValidationException(fmt::format(
        "Cannot update endpoint \"{}\": its status is Failed; delete it.", endpoint->arn));
  return InProgress(*endpoint);
}

Result<json::Object> DeploymentConfigIn(const ApiCall& call) {
  SARAI_TRY(const auto config, call.view().Child("DeploymentConfig"));
  return config ? config->object() : json::Object();
}

Result<std::set<std::string>> ExcludedProperties(const ApiCall& call) {
  SARAI_TRY(const auto elements, call.view().Children("ExcludeRetainedVariantProperties"));
  std::set<std::string> excluded;
  for (const json::ObjectView& element : elements) {
    SARAI_TRY(std::string type, element.RequireString("VariantPropertyType"));
    excluded.insert(std::move(type));
  }
  return excluded;
}

Result<RetainedProperties> RetainedIn(const ApiCall& call, const EndpointRecord& endpoint) {
  RetainedProperties retained;
  SARAI_TRY(const auto retain, call.view().Bool("RetainAllVariantProperties"));
  SARAI_TRY(const auto excluded, ExcludedProperties(call));
  if (!retain.value_or(false) || !endpoint.current) return retained;
  for (const DeployedVariant& variant : endpoint.current->variants) {
    if (!excluded.contains("DesiredInstanceCount"))
      retained.instance_counts.emplace(variant.name, variant.instances.size());
    if (!excluded.contains("DesiredWeight")) retained.weights.emplace(variant.name, variant.weight);
  }
  return retained;
}

ApiResult Save(SageMakerServices& services, EndpointRecord endpoint) {
  endpoint.modified = services.clock.WallNow();
  SARAI_API_CHECK(services.state.endpoints.Put(endpoint));
  services.reconcile();
  return json::Object{{"EndpointArn", endpoint.arn}};
}

}  // namespace

ApiResult CreateEndpoint(SageMakerServices& services, const ApiCall& call) {
  SARAI_API_TRY(const std::string name, call.view().RequireString("EndpointName"));
  SARAI_API_TRY(const std::string config, call.view().RequireString("EndpointConfigName"));
  SARAI_API_TRY(const auto tags, TagsIn(call.view()));
  EndpointRecord endpoint{.name = name, .arn = ArnOfEndpoint(services, call, name)};
  for (const auto& [other_name, other] : services.state.endpoints.all())
    if (ArnOfEndpoint(services, call, other_name) == endpoint.arn)
      return AlreadyExists(ResourceKind::kEndpoint, endpoint.arn);
  SARAI_API_TRY(endpoint.deployment_config, DeploymentConfigIn(call));
  auto deployment = MakeDeployment(services, config, name, call.region, {});
  if (!deployment) return std::unexpected(deployment.error());
  endpoint.pending = std::move(*deployment);
  endpoint.created = endpoint.modified = services.clock.WallNow();
  SARAI_API_CHECK(services.state.InTransaction([&]() -> Status {
    SARAI_CHECK_OK(services.state.tags.Set(endpoint.arn, tags));
    return services.state.endpoints.Put(endpoint);
  }));
  services.reconcile();
  return json::Object{{"EndpointArn", endpoint.arn}};
}

ApiResult UpdateEndpoint(SageMakerServices& services, const ApiCall& call) {
  auto endpoint = FindUpdatable(services, call);
  if (!endpoint) return std::unexpected(endpoint.error());
  SARAI_API_TRY(const std::string config, call.view().RequireString("EndpointConfigName"));
  SARAI_API_TRY(const RetainedProperties retained, RetainedIn(call, *endpoint));
  SARAI_API_TRY(const auto retain_config, call.view().Bool("RetainDeploymentConfig"));
  if (!retain_config.value_or(false)) {
    SARAI_API_TRY(endpoint->deployment_config, DeploymentConfigIn(call));
  }
  auto deployment = MakeDeployment(services, config, endpoint->name, call.region, retained);
  if (!deployment) return std::unexpected(deployment.error());
  endpoint->pending = std::move(*deployment);
  endpoint->status = EndpointStatus::kUpdating;
  return Save(services, std::move(*endpoint));
}

ApiResult DeleteEndpoint(SageMakerServices& services, const ApiCall& call) {
  auto endpoint = FindEndpoint(services, call);
  if (!endpoint) return std::unexpected(endpoint.error());
  if (endpoint->status != EndpointStatus::kInService && endpoint->status != EndpointStatus::kFailed)
    return InProgress(*endpoint);
  endpoint->status = EndpointStatus::kDeleting;
  if (auto saved = Save(services, std::move(*endpoint)); !saved) return saved;
  return json::Object();
}

namespace {

struct VariantChange {
  std::string variant;
  std::optional<double> weight;
  std::optional<int64_t> count;
};

std::expected<std::vector<VariantChange>, AwsError> ChangesIn(const ApiCall& call,
                                                              const Deployment& deployment) {
  SARAI_API_TRY(const auto elements, call.view().Children("DesiredWeightsAndCapacities"));
  std::vector<VariantChange> changes;
  for (const json::ObjectView& element : elements) {
    VariantChange change;
    SARAI_API_TRY(change.variant, element.RequireString("VariantName"));
    SARAI_API_TRY(change.weight, element.Double("DesiredWeight"));
    SARAI_API_TRY(change.count, element.Int("DesiredInstanceCount"));
    if (change.weight.value_or(0) < 0 || change.count.value_or(0) < 0)
      return ValidationException(fmt::format(
          "DesiredWeight and DesiredInstanceCount of variant \"{}\" must not be negative.",
          change.variant));
    if (std::ranges::find(changes, change.variant, &VariantChange::variant) != changes.end())
      return ValidationException(fmt::format(
          "The variant name \"{}\" was non-unique within the request.", change.variant));
    if (std::ranges::find(deployment.variants, change.variant, &DeployedVariant::name) ==
        deployment.variants.end())
      return ValidationException(
          fmt::format("The variant name(s) \"{}\" is/are not present within endpoint "
                      "configuration \"{}\".",
                      change.variant, deployment.config_name));
    changes.push_back(std::move(change));
  }
  return changes;
}

// The newest instances leave first: the oldest know the traffic best.
std::expected<void, AwsError> Resize(SageMakerServices& services, const std::string& endpoint,
                                     DeployedVariant& variant, int64_t count) {
  const int64_t delta = count - static_cast<int64_t>(variant.instances.size());
  if (delta <= 0) {
    variant.instances.resize(static_cast<size_t>(count));
    return {};
  }
  if (auto allowed = CheckInstanceLimit(services, variant.instance_type, delta); !allowed)
    return allowed;
  SARAI_API_TRY(const auto ids,
                services.state.endpoints.NewInstanceIds(endpoint, variant.name, delta));
  variant.instances.insert(variant.instances.end(), ids.begin(), ids.end());
  return {};
}

}  // namespace

ApiResult UpdateEndpointWeightsAndCapacities(SageMakerServices& services, const ApiCall& call) {
  auto endpoint = FindUpdatable(services, call);
  if (!endpoint) return std::unexpected(endpoint.error());
  Deployment& deployment = *endpoint->current;
  const auto changes = ChangesIn(call, deployment);
  if (!changes) return std::unexpected(changes.error());
  for (const VariantChange& change : *changes) {
    DeployedVariant& variant =
        *std::ranges::find(deployment.variants, change.variant, &DeployedVariant::name);
    variant.weight = change.weight.value_or(variant.weight);
    if (!change.count) continue;
    if (auto resized = Resize(services, endpoint->name, variant, *change.count); !resized)
      return std::unexpected(resized.error());
  }
  endpoint->status = EndpointStatus::kUpdating;
  return Save(services, std::move(*endpoint));
}

}  // namespace sarai::control
