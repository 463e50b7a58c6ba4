// DescribeEndpoint and ListEndpoints.
#include <algorithm>

#include "control/handlers/handlers.h"
#include "control/handlers/list_page.h"

namespace sarai::control {
namespace {

json::Array DeployedImages(const DeployedVariant& variant, const Deployment& deployment) {
  if (variant.image.empty()) return {};
  return {json::Object{{"SpecifiedImage", variant.image},
                       {"ResolvedImage", variant.image},
                       {"ResolutionTime", EpochOf(deployment.begun)}}};
}

int64_t ReadyCount(const DeployedVariant& variant, const Fleet& fleet) {
  return std::ranges::count_if(variant.instances, [&](const std::string& id) {
    const Instance* const instance = fleet.Find(id);
    return instance != nullptr && instance->ready;
  });
}

json::Object VariantSummary(const DeployedVariant& variant, const Deployment& deployment,
                            const Fleet& fleet) {
  return {{"VariantName", variant.name},
          {"DeployedImages", DeployedImages(variant, deployment)},
          {"CurrentWeight", variant.weight},
          {"DesiredWeight", variant.weight},
          {"CurrentInstanceCount", ReadyCount(variant, fleet)},
          {"DesiredInstanceCount", static_cast<int64_t>(variant.instances.size())}};
}

json::Array VariantSummaries(const Deployment& deployment, const Fleet& fleet) {
  json::Array summaries;
  for (const DeployedVariant& variant : deployment.variants)
    summaries.push_back(VariantSummary(variant, deployment, fleet));
  return summaries;
}

json::Object PendingVariant(const DeployedVariant& variant, const Deployment& deployment,
                            const Fleet& fleet) {
  json::Object summary = VariantSummary(variant, deployment, fleet);
  summary["InstanceType"] = variant.instance_type;
  summary["VariantStatus"] =
      json::Array{json::Object{{"Status", "Creating"}, {"StartTime", EpochOf(deployment.begun)}}};
  return summary;
}

json::Object PendingSummary(const Deployment& deployment, const Fleet& fleet) {
  json::Array variants;
  for (const DeployedVariant& variant : deployment.variants)
    variants.push_back(PendingVariant(variant, deployment, fleet));
  return {{"EndpointConfigName", deployment.config_name},
          {"ProductionVariants", std::move(variants)},
          {"StartTime", EpochOf(deployment.begun)}};
}

json::Object Description(const EndpointRecord& endpoint, const Fleet& fleet) {
  json::Object answer = {{"EndpointName", endpoint.name},
                         {"EndpointArn", endpoint.arn},
                         {"EndpointStatus", EndpointStatusName(endpoint.status)},
                         {"CreationTime", EpochOf(endpoint.created)},
                         {"LastModifiedTime", EpochOf(endpoint.modified)}};
  if (const auto& shown = endpoint.current ? endpoint.current : endpoint.pending; shown) {
    answer["EndpointConfigName"] = shown->config_name;
    // While it is being created AWS shows no variants yet.
    if (endpoint.current) answer["ProductionVariants"] = VariantSummaries(*shown, fleet);
  }
  if (endpoint.pending && endpoint.current)
    answer["PendingDeploymentSummary"] = PendingSummary(*endpoint.pending, fleet);
  if (!endpoint.failure_reason.empty()) answer["FailureReason"] = endpoint.failure_reason;
  if (!endpoint.deployment_config.empty())
    answer["LastDeploymentConfig"] = endpoint.deployment_config;
  return answer;
}

}  // namespace

ApiResult DescribeEndpoint(SageMakerServices& services, const ApiCall& call) {
  SARAI_API_TRY(const std::string name, call.view().RequireString("EndpointName"));
  const EndpointRecord* const endpoint = services.state.endpoints.Find(name);
  if (endpoint == nullptr)
    return CouldNotFind(ResourceKind::kEndpoint, ArnOf(ResourceKind::kEndpoint, name, call.region,
                                                       services.options.account));
  return Description(*endpoint, services.fleet);
}

ApiResult ListEndpoints(SageMakerServices& services, const ApiCall& call) {
  SARAI_API_TRY(const ListQuery query, ParseListQuery(call.view()));
  std::vector<Listed> lines;
  for (const auto& [name, endpoint] : services.state.endpoints.all())
    lines.push_back({name, endpoint.arn, std::string(EndpointStatusName(endpoint.status)),
                     endpoint.created, endpoint.modified});
  const ListPage page = PageOf(std::move(lines), query);
  json::Array listed;
  for (const Listed& line : page.lines)
    listed.push_back(json::Object{{"EndpointName", line.name},
                                  {"EndpointArn", line.arn},
                                  {"CreationTime", EpochOf(line.created)},
                                  {"LastModifiedTime", EpochOf(line.modified)},
                                  {"EndpointStatus", line.status}});
  json::Object answer = {{"Endpoints", std::move(listed)}};
  if (!page.next_token.empty()) answer["NextToken"] = page.next_token;
  return answer;
}

}  // namespace sarai::control
