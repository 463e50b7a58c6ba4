// Statistics of models as JSON.
#include <initializer_list>
#include <utility>

#include "wire/kserve/json_members.h"
#include "wire/kserve/management.h"

namespace sarai::kserve {
namespace {

using NamedDuration = std::pair<std::string_view, const StatisticDuration*>;

void AppendDurations(std::string& out, std::initializer_list<NamedDuration> durations) {
  for (const auto& [name, duration] : durations) {
    AppendKey(out, name);
    out += '{';
    AppendMember(out, "count", duration->count);
    AppendMember(out, "ns", duration->ns);
    out += '}';
  }
}

void AppendInferStats(std::string& out, const ModelStatistics& model) {
  AppendKey(out, "inference_stats");
  out += '{';
  AppendDurations(out, {{"success", &model.success},
                        {"fail", &model.fail},
                        {"queue", &model.queue},
                        {"compute_input", &model.compute_input},
                        {"compute_infer", &model.compute_infer},
                        {"compute_output", &model.compute_output},
                        {"cache_hit", &model.cache_hit},
                        {"cache_miss", &model.cache_miss}});
  out += '}';
}

void AppendResponses(std::string& out, const std::vector<ResponseStatistics>& responses) {
  AppendKey(out, "response_stats");
  out += '{';
  for (size_t number = 0; number < responses.size(); ++number) {
    const ResponseStatistics& response = responses[number];
    AppendKey(out, std::to_string(number));
    out += '{';
    AppendDurations(out, {{"compute_infer", &response.compute_infer},
                          {"compute_output", &response.compute_output},
                          {"success", &response.success},
                          {"fail", &response.fail},
                          {"empty_response", &response.empty_response},
                          {"cancel", &response.cancel}});
    out += '}';
  }
  out += '}';
}

void AppendBatches(std::string& out, const std::vector<BatchStatistics>& batches) {
  AppendKey(out, "batch_stats");
  out += '[';
  for (const BatchStatistics& batch : batches) {
    if (out.back() != '[') out += ',';
    out += '{';
    AppendMember(out, "batch_size", batch.batch_size);
    AppendDurations(out, {{"compute_input", &batch.compute_input},
                          {"compute_infer", &batch.compute_infer},
                          {"compute_output", &batch.compute_output}});
    out += '}';
  }
  out += ']';
}

void AppendMemory(std::string& out, const std::vector<MemoryUsage>& usages) {
  AppendKey(out, "memory_usage");
  out += '[';
  for (const MemoryUsage& usage : usages) {
    if (out.back() != '[') out += ',';
    out += '{';
    AppendMember(out, "type", usage.type);
    AppendMember(out, "id", usage.id);
    AppendMember(out, "byte_size", usage.byte_size);
    out += '}';
  }
  out += ']';
}

void AppendModel(std::string& out, const ModelStatistics& model) {
  out += '{';
  AppendMember(out, "name", model.name);
  AppendMember(out, "version", model.version);
  AppendMember(out, "last_inference", model.last_inference_ms);
  AppendMember(out, "inference_count", model.inference_count);
  AppendMember(out, "execution_count", model.execution_count);
  AppendInferStats(out, model);
  AppendResponses(out, model.responses);
  AppendBatches(out, model.batches);
  AppendMemory(out, model.memory);
  out += '}';
}

}  // namespace

std::string EncodeStatistics(const std::vector<ModelStatistics>& models) {
  std::string out = R"({"model_stats":[)";
  for (const ModelStatistics& model : models) {
    if (out.back() != '[') out += ',';
    AppendModel(out, model);
  }
  return out + "]}";
}

}  // namespace sarai::kserve
