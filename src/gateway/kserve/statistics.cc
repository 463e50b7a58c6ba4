#include "gateway/kserve/statistics.h"

#include <algorithm>
#include <map>
#include <utility>

#include "wire/http/text_of.h"
#include "wire/http/uri.h"
#include "wire/kserve/statistic_members.h"
#include "wire/kserve/statistics_reader.h"

namespace sarai::gateway {
namespace {

using kserve::BatchStatistics;
using kserve::MemoryUsage;
using kserve::ModelStatistics;

constexpr size_t kMaxStatisticsBytes = 64u << 20;

template <typename Owner, size_t Count>
void AddAll(const Owner& from, Owner& to, const kserve::NamedDuration<Owner> (&durations)[Count]) {
  for (const auto& [name, member] : durations) {
    (to.*member).count += (from.*member).count;
    (to.*member).ns += (from.*member).ns;
  }
}

void Add(const BatchStatistics& batch, std::vector<BatchStatistics>& all) {
  const auto at = std::ranges::lower_bound(all, batch.batch_size, {}, &BatchStatistics::batch_size);
  if (at == all.end() || at->batch_size != batch.batch_size) {
    all.insert(at, batch);
    return;
  }
  AddAll(batch, *at, kserve::kBatchDurations);
}

void Add(const MemoryUsage& usage, std::vector<MemoryUsage>& all) {
  const auto same = std::ranges::find_if(all, [&usage](const MemoryUsage& other) {
    return other.type == usage.type && other.id == usage.id;
  });
  if (same == all.end()) return all.push_back(usage);
  same->byte_size += usage.byte_size;
}

void Add(const ModelStatistics& from, ModelStatistics& to) {
  to.last_inference_ms = std::max(to.last_inference_ms, from.last_inference_ms);
  to.inference_count += from.inference_count;
  to.execution_count += from.execution_count;
  AddAll(from, to, kserve::kModelDurations);
  for (const BatchStatistics& batch : from.batches) Add(batch, to.batches);
  if (to.responses.size() < from.responses.size()) to.responses.resize(from.responses.size());
  for (size_t i = 0; i < from.responses.size(); ++i)
    AddAll(from.responses[i], to.responses[i], kserve::kResponseDurations);
  for (const MemoryUsage& usage : from.memory) Add(usage, to.memory);
}

}  // namespace

http::Request StatisticsQuestion(const std::string& model, const std::string& version) {
  std::string target = "/v2/models";
  if (!model.empty()) target += "/" + http::PercentEncode(model);
  if (!version.empty()) target += "/versions/" + http::PercentEncode(version);
  return {.method = "GET", .target = target + "/stats"};
}

std::vector<ModelStatistics> SumStatistics(const std::vector<http::Response>& answers) {
  std::map<std::pair<std::string, std::string>, ModelStatistics> sums;
  for (const http::Response& answer : answers) {
    const auto models = kserve::ParseStatistics(http::TextOf(answer), kMaxStatisticsBytes);
    if (!models) continue;
    for (const ModelStatistics& model : *models) {
      ModelStatistics& sum = sums[{model.name, model.version}];
      sum.name = model.name;
      sum.version = model.version;
      Add(model, sum);
    }
  }
  std::vector<ModelStatistics> all;
  for (auto& [key, sum] : sums) all.push_back(std::move(sum));
  return all;
}

}  // namespace sarai::gateway
