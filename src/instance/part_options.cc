#include "instance/part_options.h"

namespace sarai::instance {

Status CheckOptions(const InstanceOptions& options) {
  if (options.single_model && options.source_url.empty())
    return Status(Code::kInvalidArgument, "single-model mode needs a source URL");
  if (options.loader_threads < 1 || options.fetch_threads < 1 || options.lookup_threads < 1)
    return Status(Code::kInvalidArgument, "there must be at least one thread of each kind");
  return {};
}

engine::RegistryOptions RegistryOptionsOf(const InstanceOptions& options) {
  return {.backend_directory = options.backend_directory,
          .host_executable = options.host_executable,
          .host_channels = options.host_channels,
          .backend_options = {.intra_op_threads = options.intra_op_threads},
          .backend_settings = options.backend_settings};
}

engine::EngineOptions EngineOptionsOf(const InstanceOptions& options) {
  return {.lanes = options.lanes,
          .default_max_queue_size = options.default_max_queue_size,
          .response_cache_bytes = options.response_cache_bytes,
          .rate_limit = options.rate_limit,
          .rate_limit_resources = options.rate_limit_resources};
}

engine::LoadOptions LoadOptionsOf(const InstanceOptions& options) {
  return {.config_name = options.model_config_name,
          .auto_complete = options.auto_complete_config,
          .default_max_batch_size = options.default_max_batch_size};
}

ManagerOptions ManagerOptionsOf(const InstanceOptions& options) {
  const auto threads = static_cast<size_t>(options.loader_threads + options.fetch_threads);
  return {.residency = {.memory_budget_bytes = options.memory_budget_bytes,
                        .disk_budget_bytes = options.disk_budget_bytes,
                        .max_concurrent_fetches = options.fetch_threads,
                        .max_concurrent_loads = options.loader_threads,
                        .max_waiting_per_model = options.max_waiting_per_model,
                        .max_waiting_total = options.max_waiting_total,
                        .wait_budget = options.wait_budget,
                        .churn_guard = options.churn_guard,
                        .failure_memo = options.failure_memo},
          .control = {.mode = options.control_mode,
                      .load_at_start = options.load_at_start,
                      .poll_interval = options.repository_poll_interval,
                      .starts_at_once = threads},
          .feed = {.interval = options.feed_interval, .max_watchers = options.max_feed_watchers},
          .revalidate_interval = options.revalidate_interval,
          .max_unresolved = options.max_waiting_total};
}

}  // namespace sarai::instance
