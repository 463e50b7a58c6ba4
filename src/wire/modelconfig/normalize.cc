// Defaults written out, so that a reader of the effective configuration sees what happens.
#include <algorithm>

#include "model_config.pb.h"
#include "wire/modelconfig/ensemble.h"
#include "wire/modelconfig/model_config.h"
#include "wire/modelconfig/sequence.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelInstanceGroup;

void NormalizeVersions(inference::ModelConfig& config) {
  auto& policy = *config.mutable_version_policy();
  const bool latest =
      policy.has_latest() ||
      policy.policy_choice_case() == inference::ModelVersionPolicy::POLICY_CHOICE_NOT_SET;
  if (latest && policy.latest().num_versions() == 0) policy.mutable_latest()->set_num_versions(1);
}

void NormalizeBatching(inference::ModelConfig& config) {
  NormalizeSequence(config);
  if (!config.has_dynamic_batching()) return;
  auto& sizes = *config.mutable_dynamic_batching()->mutable_preferred_batch_size();
  if (sizes.empty() && config.max_batch_size() > 0) sizes.Add(config.max_batch_size());
  std::ranges::sort(sizes);
}

// Frameworks that gain from a second run at the same time on a CPU.
int DefaultCount(const inference::ModelConfig& config, ModelInstanceGroup::Kind kind) {
  const bool pair = config.backend() == "onnxruntime" || config.backend() == "tensorflow";
  return kind == ModelInstanceGroup::KIND_CPU && pair ? 2 : 1;
}

void NormalizeGroups(inference::ModelConfig& config) {
  auto& groups = *config.mutable_instance_group();
  if (groups.empty()) groups.Add()->set_name(config.name());
  for (int i = 0; i < groups.size(); ++i) {
    ModelInstanceGroup& group = groups[i];
    // No device but the CPU is offered, so that is where AUTO leads, unless it lists GPUs.
    if (group.kind() == ModelInstanceGroup::KIND_AUTO)
      group.set_kind(group.gpus().empty() ? ModelInstanceGroup::KIND_CPU
                                          : ModelInstanceGroup::KIND_GPU);
    if (group.count() == 0) group.set_count(DefaultCount(config, group.kind()));
    if (group.name().empty()) group.set_name(fmt::format("{}_{}", config.name(), i));
  }
}

void NormalizeMemory(inference::ModelConfig& config) {
  auto& optimization = *config.mutable_optimization();
  if (!optimization.has_input_pinned_memory())
    optimization.mutable_input_pinned_memory()->set_enable(true);
  if (!optimization.has_output_pinned_memory())
    optimization.mutable_output_pinned_memory()->set_enable(true);
}

}  // namespace

void Normalize(inference::ModelConfig& config) {
  NormalizeVersions(config);
  NormalizeBatching(config);
  if (IsEnsemble(config)) return;  // it runs nothing itself
  NormalizeGroups(config);
  NormalizeMemory(config);
}

}  // namespace sarai::modelconfig
