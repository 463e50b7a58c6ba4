#include "wire/kserve/statistics_reader.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "wire/json/json.h"
#include "wire/kserve/statistic_members.h"

namespace sarai::kserve {
namespace {

using json::ObjectView;

Status ReadCount(const ObjectView& object, std::string_view member, uint64_t& count) {
  SARAI_TRY(const auto number, object.Int(member));
  count = static_cast<uint64_t>(std::max<int64_t>(number.value_or(0), 0));
  return {};
}

template <typename Owner, size_t Count>
Status ReadDurations(const ObjectView& object, Owner& owner,
                     const NamedDuration<Owner> (&durations)[Count]) {
  for (const auto& [name, member] : durations) {
    SARAI_TRY(const auto given, object.Child(name));
    if (!given) continue;
    SARAI_CHECK_OK(ReadCount(*given, "count", (owner.*member).count));
    SARAI_CHECK_OK(ReadCount(*given, "ns", (owner.*member).ns));
  }
  return {};
}

Status ReadInferStats(const ObjectView& object, ModelStatistics& model) {
  SARAI_TRY(const auto stats, object.Child("inference_stats"));
  if (!stats) return {};
  return ReadDurations(*stats, model, kModelDurations);
}

Status ReadResponses(const ObjectView& object, ModelStatistics& model) {
  SARAI_TRY(const auto stats, object.Child("response_stats"));
  if (!stats) return {};
  model.responses.resize(stats->object().size());  // "0", "1", …
  for (const auto& member : stats->object()) {
    const auto number = ParseInt(std::string_view(member.key()));
    if (!number || *number < 0 || static_cast<size_t>(*number) >= model.responses.size()) continue;
    SARAI_TRY(const auto given, stats->Child(std::string_view(member.key())));
    if (!given) continue;
    ResponseStatistics& response = model.responses[static_cast<size_t>(*number)];
    SARAI_CHECK_OK(ReadDurations(*given, response, kResponseDurations));
  }
  return {};
}

Status ReadBatches(const ObjectView& object, ModelStatistics& model) {
  SARAI_TRY(const auto stats, object.Children("batch_stats"));
  for (const ObjectView& given : stats) {
    BatchStatistics& batch = model.batches.emplace_back();
    SARAI_CHECK_OK(ReadCount(given, "batch_size", batch.batch_size));
    SARAI_CHECK_OK(ReadDurations(given, batch, kBatchDurations));
  }
  return {};
}

Status ReadMemory(const ObjectView& object, ModelStatistics& model) {
  SARAI_TRY(const auto usages, object.Children("memory_usage"));
  for (const ObjectView& given : usages) {
    MemoryUsage& usage = model.memory.emplace_back();
    SARAI_TRY(usage.type, given.RequireString("type"));
    SARAI_TRY(const auto id, given.Int("id"));
    usage.id = id.value_or(0);
    SARAI_CHECK_OK(ReadCount(given, "byte_size", usage.byte_size));
  }
  return {};
}

Result<ModelStatistics> ReadModel(const ObjectView& object) {
  ModelStatistics model;
  SARAI_TRY(model.name, object.RequireString("name"));
  SARAI_TRY(const auto version, object.String("version"));
  model.version = version.value_or("");
  SARAI_CHECK_OK(ReadCount(object, "last_inference", model.last_inference_ms));
  SARAI_CHECK_OK(ReadCount(object, "inference_count", model.inference_count));
  SARAI_CHECK_OK(ReadCount(object, "execution_count", model.execution_count));
  SARAI_CHECK_OK(ReadInferStats(object, model));
  SARAI_CHECK_OK(ReadResponses(object, model));
  SARAI_CHECK_OK(ReadBatches(object, model));
  SARAI_CHECK_OK(ReadMemory(object, model));
  return model;
}

}  // namespace

Result<std::vector<ModelStatistics>> ParseStatistics(std::string_view body, size_t max_bytes) {
  SARAI_TRY(const json::Object object, json::ParseObject(body, {.max_bytes = max_bytes}));
  SARAI_TRY(const auto given, ObjectView(object).Children("model_stats"));
  std::vector<ModelStatistics> models;
  for (const ObjectView& each : given) {
    SARAI_TRY(ModelStatistics model, ReadModel(each));
    models.push_back(std::move(model));
  }
  return models;
}

}  // namespace sarai::kserve
