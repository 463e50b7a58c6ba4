// What models and endpoint configurations have in common: created once, echoed, listed, deleted.
#pragma once

#include "control/handlers/call.h"

namespace sarai::control {

struct ResourceApi {
  ResourceKind kind;
  ResourceTable& table;
  const char* name_member;  // "ModelName"
  const char* arn_member;   // "ModelArn"
  const char* list_member;  // "Models"
};

ApiResult CreateResource(SageMakerServices& services, const ResourceApi& api, const ApiCall& call);
ApiResult DescribeResource(SageMakerServices& services, const ResourceApi& api,
                           const ApiCall& call);
ApiResult ListResources(const ResourceApi& api, const ApiCall& call);
ApiResult DeleteResource(SageMakerServices& services, const ResourceApi& api, const ApiCall& call);

}  // namespace sarai::control
