#include "instance/front/statistics.h"

#include <chrono>

namespace sarai::instance {
namespace {

kserve::StatisticDuration Convert(const engine::DurationSum& sum) { return {sum.count, sum.ns}; }

kserve::BatchStatistics Convert(const engine::BatchSizeCounters& batch) {
  return {.batch_size = static_cast<uint64_t>(batch.batch_size),
          .compute_input = Convert(batch.compute_input),
          .compute_infer = Convert(batch.compute_infer),
          .compute_output = Convert(batch.compute_output)};
}

kserve::ResponseStatistics Convert(const engine::ResponseCounters& response) {
  return {.compute_infer = Convert(response.compute_infer),
          .compute_output = Convert(response.compute_output),
          .success = Convert(response.success),
          .fail = Convert(response.fail),
          .empty_response = Convert(response.empty_response),
          .cancel = Convert(response.cancel)};
}

uint64_t MillisecondsOf(WallTime at) {
  const auto since = at.time_since_epoch();
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

void AddLoaded(const ServingModel& model, const std::string& version,
               std::vector<kserve::ModelStatistics>& all) {
  const engine::ModelInfo& info = model.handle.info();
  for (const std::string& served : info.versions)
    if (version.empty() || served == version)
      all.push_back(
          StatisticsOf(model.name, served, model.handle.counters(served), info.memory_bytes));
}

void Finish(const std::string& name, std::vector<kserve::ModelStatistics> found,
            ResultCallback<std::vector<kserve::ModelStatistics>> done) {
  if (!found.empty()) return done(std::move(found));
  done(Error(Code::kInvalidArgument, "requested model version is not available for model '{}'",
             name));
}

}  // namespace

kserve::ModelStatistics StatisticsOf(const std::string& name, const std::string& version,
                                     const engine::ModelCounters& counters, uint64_t memory_bytes) {
  kserve::ModelStatistics statistics{.name = name,
                                     .version = version,
                                     .last_inference_ms = MillisecondsOf(counters.last_inference),
                                     .inference_count = counters.inferences,
                                     .execution_count = counters.executions,
                                     .success = Convert(counters.success),
                                     .fail = Convert(counters.fail),
                                     .queue = Convert(counters.queue),
                                     .compute_input = Convert(counters.compute_input),
                                     .compute_infer = Convert(counters.compute_infer),
                                     .compute_output = Convert(counters.compute_output),
                                     .cache_hit = Convert(counters.cache_hit),
                                     .cache_miss = Convert(counters.cache_miss)};
  for (const auto& batch : counters.batches) statistics.batches.push_back(Convert(batch));
  for (const auto& response : counters.responses) statistics.responses.push_back(Convert(response));
  if (memory_bytes > 0) statistics.memory = {{"CPU", 0, memory_bytes}};
  return statistics;
}

void CollectStatistics(ModelManager& manager, const std::string& name, const std::string& version,
                       ResultCallback<std::vector<kserve::ModelStatistics>> done) {
  std::vector<kserve::ModelStatistics> all;
  if (name.empty()) {
    for (const ServingModelPtr& model : manager.AllServing()) AddLoaded(*model, "", all);
    return done(std::move(all));
  }
  if (const ServingModelPtr model = manager.Serving(name)) {
    AddLoaded(*model, version, all);
    return Finish(name, std::move(all), std::move(done));
  }
  manager.Describe(name, [name, version, done = std::move(done)](auto info) mutable {
    if (!info)
      return done(Error(Code::kInvalidArgument, "requested model '{}' is not available", name));
    std::vector<kserve::ModelStatistics> none;
    for (const std::string& served : info->versions)
      if (version.empty() || served == version) none.push_back({.name = name, .version = served});
    Finish(name, std::move(none), std::move(done));
  });
}

}  // namespace sarai::instance
