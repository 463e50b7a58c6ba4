// CreateModel and its companions. Nothing remote is looked at: a model may be made before its
// artifact is uploaded.
#include "control/handlers/handlers.h"
#include "control/handlers/model_source.h"
#include "control/handlers/resources.h"

namespace sarai::control {
namespace {

ResourceApi Models(SageMakerServices& services) {
  return {ResourceKind::kModel, services.state.models, "ModelName", "ModelArn", "Models"};
}

}  // namespace

ApiResult CreateModel(SageMakerServices& services, const ApiCall& call) {
  SARAI_API_TRY([[maybe_unused]] const ModelSource source, SourceOf(call.body));
  return CreateResource(services, Models(services), call);
}

ApiResult DescribeModel(SageMakerServices& services, const ApiCall& call) {
  return DescribeResource(services, Models(services), call);
}

ApiResult ListModels(SageMakerServices& services, const ApiCall& call) {
  return ListResources(Models(services), call);
}

ApiResult DeleteModel(SageMakerServices& services, const ApiCall& call) {
  return DeleteResource(services, Models(services), call);
}

}  // namespace sarai::control
