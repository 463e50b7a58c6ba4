#include "wire/modelconfig/validate.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelInstanceGroup;
using inference::ModelQueuePolicy;

Status CheckPreferredSizes(const inference::ModelConfig& config) {
  for (const int size : config.dynamic_batching().preferred_batch_size())
    if (size < 1 || size > config.max_batch_size())
      return MakeStatus(Code::kInvalidArgument,
                        "dynamic_batching.preferred_batch_size {} is not within 1 and "
                        "max_batch_size {}",
                        size, config.max_batch_size());
  return {};
}

// Without a timeout, nothing is ever delayed.
bool Delays(const ModelQueuePolicy& policy) {
  return policy.timeout_action() == ModelQueuePolicy::DELAY &&
         (policy.default_timeout_microseconds() > 0 || policy.allow_timeout_override());
}

Status CheckPriorities(const inference::ModelDynamicBatching& batching) {
  const uint64_t levels = batching.priority_levels();
  const uint64_t level = batching.default_priority_level();
  if (levels > 0 && (level < 1 || level > levels))
    return MakeStatus(Code::kInvalidArgument,
                      "dynamic_batching.default_priority_level {} is not within 1 and "
                      "priority_levels {}",
                      level, levels);
  bool delays = Delays(batching.default_queue_policy());
  for (const auto& [policy_level, policy] : batching.priority_queue_policy()) {
    delays = delays || Delays(policy);
    if (levels > 0 && (policy_level < 1 || policy_level > levels))
      return MakeStatus(Code::kInvalidArgument,
                        "dynamic_batching.priority_queue_policy names level {}, which is not "
                        "within 1 and priority_levels {}",
                        policy_level, levels);
  }
  if (batching.preserve_ordering() && (levels > 1 || delays))
    return MakeStatus(Code::kInvalidArgument,
                      "dynamic_batching.preserve_ordering forbids several priority levels and "
                      "timeout_action DELAY: both change the order");
  return {};
}

Status CheckGroup(const ModelInstanceGroup& group) {
  if (group.count() < 0)
    return MakeStatus(Code::kInvalidArgument, "count {} is negative", group.count());
  constexpr int kMaxCount = 4096;
  if (group.count() > kMaxCount)
    return MakeStatus(Code::kInvalidArgument, "count {} is more than {}", group.count(), kMaxCount);
  if (group.kind() == ModelInstanceGroup::KIND_GPU)
    return MakeStatus(Code::kFailedPrecondition,
                      "KIND_GPU needs a GPU, and none is offered here: use KIND_AUTO or KIND_CPU");
  if (group.gpus_size() > 0)
    return MakeStatus(Code::kInvalidArgument, "a group of {} must not list gpus",
                      ModelInstanceGroup::Kind_Name(group.kind()));
  if (!ModelInstanceGroup::Kind_IsValid(group.kind()))
    return MakeStatus(Code::kInvalidArgument, "kind {} is unknown", static_cast<int>(group.kind()));
  return {};
}

}  // namespace

Status CheckScheduling(const inference::ModelConfig& config) {
  if (config.max_batch_size() < 0)
    return MakeStatus(Code::kInvalidArgument, "max_batch_size {} is negative",
                      config.max_batch_size());
  if (!config.has_dynamic_batching()) return {};
  SARAI_CHECK_OK(CheckPreferredSizes(config));
  return CheckPriorities(config.dynamic_batching());
}

Status CheckInstanceGroups(const inference::ModelConfig& config) {
  for (const ModelInstanceGroup& group : config.instance_group())
    if (const Status status = CheckGroup(group); !status.ok())
      return status.WithContext(fmt::format("instance_group '{}'", group.name()));
  return {};
}

}  // namespace sarai::modelconfig
