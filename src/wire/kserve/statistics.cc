// Statistics of models as JSON.
#include "wire/kserve/json_members.h"
#include "wire/kserve/management.h"
#include "wire/kserve/statistic_members.h"

namespace sarai::kserve {
namespace {

template <typename Owner, size_t Count>
void AppendDurations(std::string& out, const Owner& owner,
                     const NamedDuration<Owner> (&durations)[Count]) {
  for (const auto& [name, member] : durations) {
    AppendKey(out, name);
    out += '{';
    AppendMember(out, "count", (owner.*member).count);
    AppendMember(out, "ns", (owner.*member).ns);
    out += '}';
  }
}

void AppendInferStats(std::string& out, const ModelStatistics& model) {
  AppendKey(out, "inference_stats");
  out += '{';
  AppendDurations(out, model, kModelDurations);
  out += '}';
}

void AppendResponses(std::string& out, const std::vector<ResponseStatistics>& responses) {
  AppendKey(out, "response_stats");
  out += '{';
  for (size_t number = 0; number < responses.size(); ++number) {
    const ResponseStatistics& response = responses[number];
    AppendKey(out, std::to_string(number));
    out += '{';
    AppendDurations(out, response, kResponseDurations);
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
    AppendDurations(out, batch, kBatchDurations);
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
