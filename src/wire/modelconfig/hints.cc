// Metrics and optimization: what is not about tensors or scheduling.
#include <algorithm>
#include <array>
#include <cmath>

#include "wire/modelconfig/validate.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelMetrics;
using inference::ModelOptimizationPolicy;

constexpr int kMaxBuckets = 1000;

Status CheckMetric(const ModelMetrics::MetricControl& metric) {
  if (metric.metric_identifier().family().empty())
    return MakeStatus(Code::kInvalidArgument, "it needs a metric_identifier with a family");
  const auto& buckets = metric.histogram_options().buckets();
  if (buckets.empty() || buckets.size() > kMaxBuckets)
    return MakeStatus(Code::kInvalidArgument,
                      "family '{}': it needs histogram_options with 1 to {} buckets",
                      metric.metric_identifier().family(), kMaxBuckets);
  const bool ascending =
      std::ranges::adjacent_find(buckets, std::ranges::greater_equal()) == buckets.end();
  if (ascending && std::ranges::none_of(buckets, [](double bound) { return std::isnan(bound); }))
    return {};
  return MakeStatus(Code::kInvalidArgument, "family '{}': its buckets do not ascend",
                    metric.metric_identifier().family());
}

// ONNX Runtime's own kernels run here; another vendor's need a runtime built with them.
Status CheckAccelerators(const ModelOptimizationPolicy::ExecutionAccelerators& accelerators) {
  for (const auto& accelerator : accelerators.cpu_execution_accelerator())
    return MakeStatus(Code::kUnimplemented,
                      "optimization.execution_accelerators: the CPU accelerator '{}' is not part "
                      "of this server; without the entry the backend's own kernels run the model",
                      accelerator.name());
  constexpr std::array kOnGpu = {"tensorrt", "cuda", "auto_mixed_precision", "gpu_io"};
  for (const auto& accelerator : accelerators.gpu_execution_accelerator())
    if (std::ranges::find(kOnGpu, accelerator.name()) == kOnGpu.end())
      return MakeStatus(Code::kInvalidArgument,
                        "optimization.execution_accelerators: the GPU accelerator '{}' is unknown; "
                        "known are tensorrt, cuda, auto_mixed_precision, gpu_io",
                        accelerator.name());
  return {};
}

}  // namespace

Status CheckMetrics(const inference::ModelConfig& config) {
  for (const auto& metric : config.model_metrics().metric_control())
    if (const Status status = CheckMetric(metric); !status.ok())
      return status.WithContext("model_metrics.metric_control");
  return {};
}

Status CheckOptimization(const inference::ModelConfig& config) {
  const auto& optimization = config.optimization();
  if (!ModelOptimizationPolicy::ModelPriority_IsValid(optimization.priority()))
    return MakeStatus(Code::kInvalidArgument, "optimization.priority {} is unknown",
                      static_cast<int>(optimization.priority()));
  return CheckAccelerators(optimization.execution_accelerators());
}

}  // namespace sarai::modelconfig
