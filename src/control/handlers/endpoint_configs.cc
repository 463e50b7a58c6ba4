// CreateEndpointConfig and its companions. A configuration in use may be deleted: endpoints keep
// what they need of it.
#include "control/handlers/deployments.h"
#include "control/handlers/handlers.h"
#include "control/handlers/resources.h"

namespace sarai::control {
namespace {

ResourceApi Configs(SageMakerServices& services) {
  return {ResourceKind::kEndpointConfig, services.state.endpoint_configs, "EndpointConfigName",
          "EndpointConfigArn", "EndpointConfigs"};
}

}  // namespace

ApiResult CreateEndpointConfig(SageMakerServices& services, const ApiCall& call) {
  if (const auto fine = CheckEndpointConfig(services, call.body, call.region); !fine)
    return std::unexpected(fine.error());
  return CreateResource(services, Configs(services), call);
}

ApiResult DescribeEndpointConfig(SageMakerServices& services, const ApiCall& call) {
  return DescribeResource(services, Configs(services), call);
}

ApiResult ListEndpointConfigs(SageMakerServices& services, const ApiCall& call) {
  return ListResources(Configs(services), call);
}

ApiResult DeleteEndpointConfig(SageMakerServices& services, const ApiCall& call) {
  return DeleteResource(services, Configs(services), call);
}

}  // namespace sarai::control
