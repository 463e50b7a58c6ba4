// Operations by name: what their members must be, and who handles them.
// Limits, patterns and enumerations: botocore's service models of sagemaker and cloudwatch.
#include <array>
#include <span>

#include "control/handlers/cloudwatch.h"
#include "control/handlers/handlers.h"
#include "control/handlers/member_rules.h"

namespace sarai::control {
namespace {

using enum Need;

constexpr auto kModes = std::to_array<std::string_view>({"SingleModel", "MultiModel"});
constexpr auto kSortOrders = std::to_array<std::string_view>({"Ascending", "Descending"});
constexpr auto kNameOrTime = std::to_array<std::string_view>({"Name", "CreationTime"});
constexpr auto kEndpointOrders =
    std::to_array<std::string_view>({"Name", "CreationTime", "Status"});
constexpr auto kEndpointStatuses = std::to_array<std::string_view>(
    {"OutOfService", "Creating", "Updating", "SystemUpdating", "RollingBack", "InService",
     "Deleting", "Failed", "UpdateRollbackFailed"});
constexpr auto kVariantProperties =
    std::to_array<std::string_view>({"DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig"});
constexpr auto kScanOrders =
    std::to_array<std::string_view>({"TimestampDescending", "TimestampAscending"});

constexpr MemberCheck kRoleArn = PatternRule(
    20, 2048, IsRoleArn, "^arn:aws[a-z\\-]*:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+$");
constexpr MemberCheck kImage = PatternRule(0, 255, HasNoSpace, "[\\S]+");
constexpr MemberCheck kTaggedArn =
    PatternRule(0, 256, IsSageMakerArn, "arn:aws[a-z-]*:sagemaker:[a-z0-9-]*:[0-9]{12}:.+");
constexpr MemberCheck kToken = TextRule(0, 8192);
constexpr MemberCheck kMetricName = TextRule(1, 255);

constexpr auto kModelName = std::to_array<MemberRule>({{"ModelName", kRequired, NameRule()}});
constexpr auto kConfigName =
    std::to_array<MemberRule>({{"EndpointConfigName", kRequired, NameRule()}});
constexpr auto kEndpointName = std::to_array<MemberRule>({{"EndpointName", kRequired, NameRule()}});

constexpr auto kCreateModel = std::to_array<MemberRule>({
    {"ModelName", kRequired, NameRule()},
    {"ExecutionRoleArn", kOptional, kRoleArn},
    {"PrimaryContainer.Mode", kOptional, OneOfRule(kModes)},
    {"PrimaryContainer.Image", kOptional, kImage},
    {"PrimaryContainer.ModelDataUrl", kOptional, TextRule(0, 1024)},
    {"Containers", kOptional, ListRule(0, 15)},
    {"Containers[].Mode", kOptional, OneOfRule(kModes)},
    {"Containers[].Image", kOptional, kImage},
    {"Containers[].ModelDataUrl", kOptional, TextRule(0, 1024)},
    {"Tags", kOptional, ListRule(0, 50)},
});

constexpr auto kCreateEndpointConfig = std::to_array<MemberRule>({
    {"EndpointConfigName", kRequired, NameRule()},
    {"ProductionVariants", kRequired, ListRule(1, 10)},
    {"ProductionVariants[].VariantName", kRequired, NameRule()},
    {"ProductionVariants[].ModelName", kOptional, NameRule()},
    {"ProductionVariants[].InitialInstanceCount", kOptional, NumberRule(1, 1'000'000)},
    {"ProductionVariants[].InitialVariantWeight", kOptional, NumberRule(0, kNoMaximum)},
    {"ProductionVariants[].InstanceType", kOptional, TextRule(1, 63)},
    {"ProductionVariants[].VolumeSizeInGB", kOptional, NumberRule(1, 512)},
    {"ProductionVariants[].ContainerStartupHealthCheckTimeoutInSeconds", kOptional,
     NumberRule(60, 3600)},
    {"ProductionVariants[].ModelDataDownloadTimeoutInSeconds", kOptional, NumberRule(60, 3600)},
    {"ExecutionRoleArn", kOptional, kRoleArn},
    {"Tags", kOptional, ListRule(0, 50)},
});

constexpr auto kCreateEndpoint = std::to_array<MemberRule>({
    {"EndpointName", kRequired, NameRule()},
    {"EndpointConfigName", kRequired, NameRule()},
    {"Tags", kOptional, ListRule(0, 50)},
});

constexpr auto kUpdateEndpoint = std::to_array<MemberRule>({
    {"EndpointName", kRequired, NameRule()},
    {"EndpointConfigName", kRequired, NameRule()},
    {"ExcludeRetainedVariantProperties", kOptional, ListRule(0, 3)},
    {"ExcludeRetainedVariantProperties[].VariantPropertyType", kRequired,
     OneOfRule(kVariantProperties)},
});

constexpr auto kUpdateWeights = std::to_array<MemberRule>({
    {"EndpointName", kRequired, NameRule()},
    {"DesiredWeightsAndCapacities", kRequired, ListRule(1, 1000)},
    {"DesiredWeightsAndCapacities[].VariantName", kRequired, NameRule()},
    {"DesiredWeightsAndCapacities[].DesiredWeight", kOptional, NumberRule(0, kNoMaximum)},
    {"DesiredWeightsAndCapacities[].DesiredInstanceCount", kOptional, NumberRule(0, 1'000'000)},
});

constexpr auto kList = std::to_array<MemberRule>({
    {"SortBy", kOptional, OneOfRule(kNameOrTime)},
    {"SortOrder", kOptional, OneOfRule(kSortOrders)},
    {"NextToken", kOptional, kToken},
    {"MaxResults", kOptional, NumberRule(1, 100)},
    {"NameContains", kOptional, TextRule(0, 63)},
});

constexpr auto kListEndpoints = std::to_array<MemberRule>({
    {"SortBy", kOptional, OneOfRule(kEndpointOrders)},
    {"SortOrder", kOptional, OneOfRule(kSortOrders)},
    {"NextToken", kOptional, kToken},
    {"MaxResults", kOptional, NumberRule(1, 100)},
    {"NameContains", kOptional, TextRule(0, 63)},
    {"StatusEquals", kOptional, OneOfRule(kEndpointStatuses)},
});

constexpr auto kAddTags = std::to_array<MemberRule>({
    {"ResourceArn", kRequired, kTaggedArn},
    {"Tags", kRequired, ListRule(0, 50)},
});
constexpr auto kListTags = std::to_array<MemberRule>({
    {"ResourceArn", kRequired, kTaggedArn},
    {"NextToken", kOptional, kToken},
    {"MaxResults", kOptional, NumberRule(50, kNoMaximum)},
});
constexpr auto kDeleteTags = std::to_array<MemberRule>({
    {"ResourceArn", kRequired, kTaggedArn},
    {"TagKeys", kRequired, ListRule(1, 50)},
});

struct SageMakerOperation {
  const char* name;
  std::span<const MemberRule> rules;
  ApiResult (*handle)(SageMakerServices&, const ApiCall&);
};

constexpr auto kSageMakerOperations = std::to_array<SageMakerOperation>({
    {"CreateModel", kCreateModel, CreateModel},
    {"DescribeModel", kModelName, DescribeModel},
    {"ListModels", kList, ListModels},
    {"DeleteModel", kModelName, DeleteModel},
    {"CreateEndpointConfig", kCreateEndpointConfig, CreateEndpointConfig},
    {"DescribeEndpointConfig", kConfigName, DescribeEndpointConfig},
    {"ListEndpointConfigs", kList, ListEndpointConfigs},
    {"DeleteEndpointConfig", kConfigName, DeleteEndpointConfig},
    {"CreateEndpoint", kCreateEndpoint, CreateEndpoint},
    {"DescribeEndpoint", kEndpointName, DescribeEndpoint},
    {"ListEndpoints", kListEndpoints, ListEndpoints},
    {"UpdateEndpoint", kUpdateEndpoint, UpdateEndpoint},
    {"UpdateEndpointWeightsAndCapacities", kUpdateWeights, UpdateEndpointWeightsAndCapacities},
    {"DeleteEndpoint", kEndpointName, DeleteEndpoint},
    {"AddTags", kAddTags, AddTags},
    {"ListTags", kListTags, ListTags},
    {"DeleteTags", kDeleteTags, DeleteTags},
});

constexpr auto kGetMetricData = std::to_array<MemberRule>({
    {"MetricDataQueries", kRequired, ListRule(1, 500)},
    {"MetricDataQueries[].Id", kRequired, TextRule(1, 255)},
    {"MetricDataQueries[].MetricStat.Metric.Namespace", kRequired, kMetricName},
    {"MetricDataQueries[].MetricStat.Metric.MetricName", kRequired, kMetricName},
    {"MetricDataQueries[].MetricStat.Metric.Dimensions", kOptional, ListRule(0, 30)},
    {"MetricDataQueries[].MetricStat.Period", kRequired, NumberRule(1, kNoMaximum)},
    {"MetricDataQueries[].MetricStat.Stat", kRequired, TextRule(1, 255)},
    {"StartTime", kRequired, AnyRule()},
    {"EndTime", kRequired, AnyRule()},
    {"ScanBy", kOptional, OneOfRule(kScanOrders)},
});
constexpr auto kGetMetricStatistics = std::to_array<MemberRule>({
    {"Namespace", kRequired, kMetricName},
    {"MetricName", kRequired, kMetricName},
    {"Dimensions", kOptional, ListRule(0, 30)},
    {"StartTime", kRequired, AnyRule()},
    {"EndTime", kRequired, AnyRule()},
    {"Period", kRequired, NumberRule(1, kNoMaximum)},
    {"Statistics", kOptional, ListRule(1, 5)},
    {"ExtendedStatistics", kOptional, ListRule(1, 10)},
});
constexpr auto kListMetrics = std::to_array<MemberRule>({
    {"Namespace", kOptional, kMetricName},
    {"MetricName", kOptional, kMetricName},
    {"Dimensions", kOptional, ListRule(0, 10)},
});
constexpr auto kPutMetricData = std::to_array<MemberRule>({
    {"Namespace", kRequired, kMetricName},
    {"MetricData", kOptional, ListRule(0, 1000)},
    {"MetricData[].MetricName", kRequired, kMetricName},
    {"MetricData[].Dimensions", kOptional, ListRule(0, 30)},
});

struct CloudWatchOperation {
  const char* name;
  std::span<const MemberRule> rules;
  ApiResult (*handle)(CloudWatchServices&, const ApiCall&);
};

constexpr auto kCloudWatchOperations = std::to_array<CloudWatchOperation>({
    {"GetMetricData", kGetMetricData, GetMetricData},
    {"GetMetricStatistics", kGetMetricStatistics, GetMetricStatistics},
    {"ListMetrics", kListMetrics, ListMetrics},
    {"PutMetricData", kPutMetricData, PutMetricData},
});

std::unexpected<AwsError> NoSuchOperation(const ApiCall& call) {
  return std::unexpected(
      AwsError{.shape = "UnknownOperationException",
               .message = fmt::format("The operation {} is not served.", call.operation)});
}

}  // namespace

ApiResult HandleSageMaker(SageMakerServices& services, const ApiCall& call) {
  for (const SageMakerOperation& operation : kSageMakerOperations) {
    if (operation.name != call.operation) continue;
    SARAI_API_CHECK(CheckMembers(call.body, operation.rules));
    return operation.handle(services, call);
  }
  return NoSuchOperation(call);
}

ApiResult HandleCloudWatch(CloudWatchServices& services, const ApiCall& call) {
  for (const CloudWatchOperation& operation : kCloudWatchOperations) {
    if (operation.name != call.operation) continue;
    if (const Status checked = CheckMembers(call.body, operation.rules); !checked.ok())
      return CloudWatchValidationError(checked.message());
    return operation.handle(services, call);
  }
  return NoSuchOperation(call);
}

}  // namespace sarai::control
