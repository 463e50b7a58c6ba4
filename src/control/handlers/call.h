// One call of an AWS JSON API, as the handlers see it, and what they may use.
#pragma once

#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "control/fleet.h"
#include "control/options.h"
#include "control/state/state.h"
#include "wire/awsjson/error.h"
#include "wire/json/json.h"

namespace sarai::control {

struct ApiCall {
  std::string operation;  // "CreateModel"
  std::string region;
  json::Object body;

  json::ObjectView view() const { return json::ObjectView(body); }
};

using awsjson::AwsError;
using ApiResult = std::expected<json::Object, AwsError>;

// For the handlers of SageMaker's operations. All on the control strand.
struct SageMakerServices {
  const ControlOptions& options;
  State& state;
  const Fleet& fleet;
  const Clock& clock;
  std::function<void()> reconcile;  // call it after each change of an endpoint
};

// The one table from our errors to SageMaker's.
AwsError ErrorOf(const Status& status);
std::unexpected<AwsError> ValidationException(std::string message);

// SARAI_API_TRY(auto name, view.RequireString("ModelName"));   for Results, in functions of
// ApiResult.
#define SARAI_API_TRY(declaration, expression) \
  SARAI_API_TRY_IMPL_(SARAI_CONCAT_(sarai_api_result_, __LINE__), declaration, expression)
#define SARAI_API_TRY_IMPL_(result, declaration, expression)    \
  auto result = (expression);                                   \
  if (!result) return std::unexpected(ErrorOf(result.error())); \
  declaration = std::move(result).value()
#define SARAI_API_CHECK(expression)                                              \
  do {                                                                           \
    if (const ::sarai::Status sarai_status_ = (expression); !sarai_status_.ok()) \
      return std::unexpected(ErrorOf(sarai_status_));                            \
  } while (false)

// "arn:aws:sagemaker:us-east-1:123456789012:endpoint/demo"; the live service lower-cases names.
enum class ResourceKind { kModel, kEndpointConfig, kEndpoint };
std::string ArnOf(ResourceKind kind, std::string_view name, const std::string& region,
                  const std::string& account);

// The texts that clients compare.
std::unexpected<AwsError> CouldNotFind(ResourceKind kind, std::string_view arn);
std::unexpected<AwsError> AlreadyExists(ResourceKind kind, std::string_view arn);

// Epoch seconds with fractions, as AWS JSON writes times.
double EpochOf(WallTime time);

}  // namespace sarai::control
