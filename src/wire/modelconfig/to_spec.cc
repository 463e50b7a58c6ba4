// The configuration as plain values for the engine.
#include <algorithm>

#include "model_config.pb.h"
#include "wire/modelconfig/complete.h"
#include "wire/modelconfig/ensemble.h"
#include "wire/modelconfig/limits.h"
#include "wire/modelconfig/model_config.h"
#include "wire/modelconfig/ragged.h"
#include "wire/modelconfig/sequence.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelWarmup;

template <ConfigTensor T>
TensorSpec ToTensorSpec(const T& tensor) {
  return {.name = tensor.name(),
          .type = static_cast<DataType>(tensor.data_type()),
          .dims = Shape(tensor.dims().begin(), tensor.dims().end())};
}

template <typename List>
void AddTensors(const List& tensors, std::vector<TensorSpec>& specs, ModelSpec& spec) {
  for (const auto& tensor : tensors) {
    specs.push_back(ToTensorSpec(tensor));
    const auto seen = FrameworkDims(tensor);
    if (tensor.has_reshape()) spec.reshape[tensor.name()] = Shape(seen.begin(), seen.end());
  }
}

void AddTensors(const inference::ModelConfig& config, ModelSpec& spec) {
  AddTensors(config.input(), spec.inputs, spec);
  AddTensors(config.output(), spec.outputs, spec);
  for (int i = 0; i < config.input_size(); ++i)
    spec.inputs[i].optional = config.input(i).optional();
  for (const auto& output : config.output())
    if (!output.label_filename().empty())
      spec.label_files[output.name()] = spec.directory + "/" + output.label_filename();
}

QueueLimits ToQueueLimits(const inference::ModelQueuePolicy& policy) {
  return {.max_queue_size = policy.max_queue_size(),
          .default_timeout = FromMicroseconds(policy.default_timeout_microseconds()),
          .allow_timeout_override = policy.allow_timeout_override(),
          .delay_when_expired = policy.timeout_action() == inference::ModelQueuePolicy::DELAY};
}

BatchingSpec ToBatchingSpec(const inference::ModelConfig& config) {
  if (!config.has_dynamic_batching()) return {};
  const auto& batching = config.dynamic_batching();
  BatchingSpec spec{.enabled = true,
                    .preferred_sizes = {batching.preferred_batch_size().begin(),
                                        batching.preferred_batch_size().end()},
                    .max_queue_delay = FromMicroseconds(batching.max_queue_delay_microseconds()),
                    .preserve_ordering = batching.preserve_ordering(),
                    .priority_levels = batching.priority_levels(),
                    .default_priority_level = batching.default_priority_level(),
                    .queue = ToQueueLimits(batching.default_queue_policy())};
  for (const auto& [level, policy] : batching.priority_queue_policy())
    spec.queue_by_level[level] = ToQueueLimits(policy);
  std::ranges::sort(spec.preferred_sizes);
  return spec;
}

// As in Triton, which kind of data a sample has decides, not the flag's value: `zero_data: false`
// is zeros too.
WarmupInput ToWarmupInput(const std::string& name, const ModelWarmup::Input& input) {
  WarmupInput spec{.name = name,
                   .type = static_cast<DataType>(input.data_type()),
                   .dims = Shape(input.dims().begin(), input.dims().end())};
  if (input.has_random_data()) spec.source = WarmupInput::Source::kRandom;
  if (input.has_input_data_file()) {
    spec.source = WarmupInput::Source::kFile;
    spec.file = input.input_data_file();
  }
  return spec;
}

std::vector<WarmupSample> ToWarmup(const inference::ModelConfig& config) {
  std::vector<WarmupSample> samples;
  for (const ModelWarmup& warmup : config.model_warmup()) {
    if (warmup.batch_size() == 0) continue;
    WarmupSample sample{.name = warmup.name(),
                        .batch_size = warmup.batch_size(),
                        .count = std::max(1u, warmup.count())};
    for (const auto& [name, input] : warmup.inputs())
      sample.inputs.push_back(ToWarmupInput(name, input));
    std::ranges::sort(sample.inputs, {}, &WarmupInput::name);
    samples.push_back(std::move(sample));
  }
  return samples;
}

InstanceGroup ToInstanceGroup(const inference::ModelInstanceGroup& group) {
  using Kind = InstanceGroup::Kind;
  InstanceGroup spec{.name = group.name(),
                     .kind = group.kind() == inference::ModelInstanceGroup::KIND_GPU ? Kind::kGpu
                             : group.kind() == inference::ModelInstanceGroup::KIND_MODEL
                                 ? Kind::kModel
                                 : Kind::kCpu,
                     .count = std::max(1, group.count()),
                     .gpus = {group.gpus().begin(), group.gpus().end()},
                     .passive = group.passive(),
                     .rate_priority = std::max(1u, group.rate_limiter().priority())};
  for (const auto& resource : group.rate_limiter().resources())
    spec.resources.push_back({resource.name(), resource.global(), resource.count()});
  return spec;
}

template <typename List>
std::vector<OptimizationSpec::Accelerator> ToAccelerators(const List& accelerators) {
  std::vector<OptimizationSpec::Accelerator> specs;
  for (const auto& accelerator : accelerators)
    specs.push_back(
        {.name = accelerator.name(),
         .parameters = {accelerator.parameters().begin(), accelerator.parameters().end()}});
  return specs;
}

OptimizationSpec ToOptimization(const inference::ModelConfig& config) {
  const auto& optimization = config.optimization();
  const auto& accelerators = optimization.execution_accelerators();
  OptimizationSpec spec{
      .cpu_accelerators = ToAccelerators(accelerators.cpu_execution_accelerator()),
      .gpu_accelerators = ToAccelerators(accelerators.gpu_execution_accelerator()),
      .eager_batching = optimization.eager_batching()};
  if (optimization.has_graph()) spec.graph_level = optimization.graph().level();
  return spec;
}

void AddMetrics(const inference::ModelConfig& config, ModelSpec& spec) {
  spec.metric_tags = {config.metric_tags().begin(), config.metric_tags().end()};
  for (const auto& metric : config.model_metrics().metric_control()) {
    const auto& buckets = metric.histogram_options().buckets();
    spec.metric_buckets[metric.metric_identifier().family()] = {buckets.begin(), buckets.end()};
  }
}

int InstanceCount(const std::vector<InstanceGroup>& groups) {
  int count = 0;
  for (const InstanceGroup& group : groups)
    if (!group.passive) count += group.count * std::max(1, static_cast<int>(group.gpus.size()));
  return std::max(1, count);
}

std::string Artifact(const inference::ModelConfig& config, int64_t version,
                     std::string_view directory) {
  const std::string folder = fmt::format("{}/{}", directory, version);
  const std::string& file = config.default_model_filename();
  return file.empty() ? folder : folder + "/" + file;
}

}  // namespace

Result<std::vector<int64_t>> ChooseVersions(const inference::ModelConfig& config,
                                            std::vector<int64_t> available) {
  std::erase_if(available, [](int64_t version) { return version < 1; });
  std::ranges::sort(available);
  available.erase(std::ranges::unique(available).begin(), available.end());
  if (available.empty())
    return Error(Code::kNotFound, "model '{}' has no version folder (1, 2, …)", config.name());
  const auto& policy = config.version_policy();
  if (policy.has_all()) return available;
  if (!policy.has_specific()) {
    const size_t keep = std::max<size_t>(1, policy.latest().num_versions());
    available.erase(available.begin(), available.end() - std::min(keep, available.size()));
    return available;
  }
  const auto& wanted = policy.specific().versions();
  std::erase_if(available, [&](int64_t v) { return std::ranges::find(wanted, v) == wanted.end(); });
  if (!available.empty()) return available;
  return Error(Code::kNotFound, "model '{}' has none of the versions {} of its version_policy",
               config.name(), ShapeText(Shape(wanted.begin(), wanted.end())));
}

Result<ModelSpec> ToSpec(const inference::ModelConfig& config, int64_t version,
                         std::string_view directory) {
  if (config.backend().empty() && !IsEnsemble(config))
    return Error(Code::kInvalidArgument, "model '{}' names no backend", config.name());
  ModelSpec spec{.name = config.name(),
                 .version = std::to_string(version),
                 .backend = config.backend(),
                 .platform = config.platform(),
                 .directory = std::string(directory),
                 .artifact = Artifact(config, version, directory),
                 .max_batch_size = config.max_batch_size(),
                 .batching = ToBatchingSpec(config),
                 .decoupled = config.model_transaction_policy().decoupled(),
                 .warmup = ToWarmup(config)};
  for (const auto& group : config.instance_group())
    spec.instance_groups.push_back(ToInstanceGroup(group));
  spec.instance_count = InstanceCount(spec.instance_groups);
  spec.optimization = ToOptimization(config);
  AddMetrics(config, spec);
  AddTensors(config, spec);
  if (config.has_sequence_batching()) spec.sequence = ToSequenceSpec(config, directory);
  AddRagged(config, spec);
  if (config.has_ensemble_scheduling())
    spec.ensemble = ToEnsembleSpec(config.ensemble_scheduling());
  spec.response_cache = config.response_cache().enable();
  for (const std::string& file : config.model_operations().op_library_filename())
    spec.operation_libraries.push_back(
        file.starts_with('/') ? file : fmt::format("{}/{}", directory, file));
  for (const auto& [key, parameter] : config.parameters())
    spec.parameters[key] = parameter.string_value();
  return spec;
}

}  // namespace sarai::modelconfig
