// The handlers of SageMaker's operations, one file per resource. Each is a function of the call and
// the services; all run on the control strand.
#pragma once

#include "control/handlers/call.h"

namespace sarai::control {

ApiResult CreateModel(SageMakerServices& services, const ApiCall& call);
ApiResult DescribeModel(SageMakerServices& services, const ApiCall& call);
ApiResult ListModels(SageMakerServices& services, const ApiCall& call);
ApiResult DeleteModel(SageMakerServices& services, const ApiCall& call);

ApiResult CreateEndpointConfig(SageMakerServices& services, const ApiCall& call);
ApiResult DescribeEndpointConfig(SageMakerServices& services, const ApiCall& call);
ApiResult ListEndpointConfigs(SageMakerServices& services, const ApiCall& call);
ApiResult DeleteEndpointConfig(SageMakerServices& services, const ApiCall& call);

ApiResult CreateEndpoint(SageMakerServices& services, const ApiCall& call);
ApiResult DescribeEndpoint(SageMakerServices& services, const ApiCall& call);
ApiResult ListEndpoints(SageMakerServices& services, const ApiCall& call);
ApiResult UpdateEndpoint(SageMakerServices& services, const ApiCall& call);
ApiResult UpdateEndpointWeightsAndCapacities(SageMakerServices& services, const ApiCall& call);
ApiResult DeleteEndpoint(SageMakerServices& services, const ApiCall& call);

ApiResult AddTags(SageMakerServices& services, const ApiCall& call);
ApiResult ListTags(SageMakerServices& services, const ApiCall& call);
ApiResult DeleteTags(SageMakerServices& services, const ApiCall& call);

// Runs the operation of that name after checking its members; UnknownOperationException when there
// is none.
ApiResult HandleSageMaker(SageMakerServices& services, const ApiCall& call);

}  // namespace sarai::control
