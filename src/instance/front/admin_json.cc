#include "instance/front/admin_json.h"

#include <utility>

#include <boost/json/object.hpp>

#include "telemetry/decision_log.h"
#include "wire/json/json.h"

namespace sarai::instance {
namespace {

int64_t EpochMicroseconds(WallTime at) { return at.time_since_epoch().count(); }

std::string_view EventKindName(ModelEvent::Kind kind) {
  switch (kind) {
    case ModelEvent::Kind::kFetch: return "fetch";
    case ModelEvent::Kind::kLoad: return "load";
    case ModelEvent::Kind::kUnload: return "unload";
  }
  return "unknown";
}

std::string_view OriginName(OriginKind kind) {
  switch (kind) {
    case OriginKind::kRepository: return "repository";
    case OriginKind::kSource: return "source";
    case OriginKind::kLocal: return "local";
  }
  return "unknown";
}

double Percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : 100 * static_cast<double>(part) / static_cast<double>(whole);
}

std::string DecisionArray(const std::vector<Decision>& decisions) {
  std::string text = "[";
  for (const Decision& decision : decisions) {
    if (text.size() > 1) text += ",";
    text += telemetry::DecisionJson(decision);
  }
  return text + "]";
}

// The object with one more member, whose value is JSON text already.
std::string WithMember(const json::Object& object, std::string_view name, std::string_view value) {
  std::string text = json::Serialize(object);
  text.pop_back();
  return fmt::format("{}{}\"{}\":{}}}", text, object.empty() ? "" : ",", name, value);
}

json::Object ExplainVersion(const Explanation::Version& version) {
  json::Object object = {{"version", version.tag},
                         {"current", version.current},
                         {"state", ModelStateName(version.row.state)},
                         {"memory_bytes", version.row.memory_bytes},
                         {"disk_bytes", version.row.disk_bytes},
                         {"worth", version.row.worth},
                         {"pinned", version.row.pinned},
                         {"waiting_requests", version.row.waiting},
                         {"digest", version.digest},
                         {"directory", version.directory},
                         {"fetch_ms", Milliseconds(version.fetch_time)},
                         {"load_ms", Milliseconds(version.load_time)},
                         {"loaded_at_us", EpochMicroseconds(version.loaded_at)}};
  object["requests"] = version.counters.requests;
  object["failures"] = version.counters.failures;
  object["executions"] = version.counters.executions;
  object["in_flight"] = version.counters.in_flight;
  return object;
}

const Explanation::Version* CurrentOf(const Explanation& explanation) {
  for (const Explanation::Version& version : explanation.versions)
    if (version.current) return &version;
  return nullptr;
}

}  // namespace

std::string ResidencyJson(const ResidencySnapshot& snapshot) {
  json::Array models;
  for (const ModelResidency& model : snapshot.models)
    models.push_back(json::Object{{"model", model.model},
                                  {"state", ModelStateName(model.state)},
                                  {"memory_bytes", model.memory_bytes},
                                  {"disk_bytes", model.disk_bytes},
                                  {"in_flight", model.in_flight}});
  return json::Serialize(
      json::Object{{"version", snapshot.version}, {"models", std::move(models)}});
}

std::string StatusJson(const StatusFacts& facts) {
  const policy::ResidencyTotals& totals = facts.totals.residency;
  const uint64_t used = totals.memory_used_bytes + totals.memory_overhead_bytes;
  const uint64_t budget = facts.totals.memory_budget_bytes;
  json::Array host_pids(facts.process.host_pids.begin(), facts.process.host_pids.end());
  return json::Serialize(json::Object{
      {"instance", facts.instance_id},
      {"ready", facts.ready.ok()},
      {"error", facts.ready.message()},
      {"pid", facts.process.pid},
      {"host_pids", std::move(host_pids)},
      {"loaded_model_count", totals.ready},
      {"models", json::Object{{"ready", totals.ready},
                              {"loading", totals.loading},
                              {"fetching", totals.fetching},
                              {"draining", totals.draining},
                              {"on_disk", totals.on_disk}}},
      {"waiting_requests", totals.waiting},
      {"in_flight", facts.totals.in_flight},
      {"cpu_count", facts.cpu_count},
      {"cpu_percent", facts.process.cpu_percent},
      {"lane_percent", facts.process.lane_percent},
      {"memory_budget_bytes", budget},
      {"memory_used_bytes", totals.memory_used_bytes},
      {"memory_overhead_bytes", totals.memory_overhead_bytes},
      {"memory_percent", budget > 0
                             ? Percent(used, budget)
                             : Percent(facts.process.held_bytes, facts.machine_memory_bytes)},
      {"disk_budget_bytes", facts.totals.disk_budget_bytes},
      {"disk_used_bytes", totals.disk_used_bytes},
      {"disk_percent", facts.disk_percent},
      {"resident_bytes", facts.process.held_bytes},
      {"host_memory_percent", Percent(facts.process.held_bytes, facts.machine_memory_bytes)}});
}

std::string EventsJson(const std::vector<ModelEvent>& events, uint64_t since) {
  json::Array array;
  for (const ModelEvent& event : events)
    array.push_back(json::Object{{"sequence", event.sequence},
                                 {"at_us", EpochMicroseconds(event.at)},
                                 {"kind", EventKindName(event.kind)},
                                 {"model", event.model},
                                 {"microseconds", Microseconds(event.took)},
                                 {"bytes", event.bytes},
                                 {"ok", event.ok}});
  const uint64_t next = events.empty() ? since : events.back().sequence;
  return json::Serialize(json::Object{{"next", next}, {"events", std::move(array)}});
}

std::string DecisionsJson(const std::vector<Decision>& decisions, uint64_t since) {
  const uint64_t next = decisions.empty() ? since : decisions.back().sequence;
  return WithMember({{"next", next}}, "decisions", DecisionArray(decisions));
}

std::string ExplainJson(const Explanation& explanation, const std::vector<Decision>& history,
                        const std::string& instance_id) {
  const Explanation::Version* current = CurrentOf(explanation);
  json::Array versions;
  for (const Explanation::Version& version : explanation.versions)
    versions.push_back(ExplainVersion(version));
  json::Object object = {
      {"model", explanation.name},
      {"instance", instance_id},
      {"origin", OriginName(explanation.origin.kind)},
      {"url", explanation.origin.url},
      {"state", ModelStateName(current != nullptr ? current->row.state : ModelState::kAbsent)},
      {"memory_bytes", current != nullptr ? current->row.memory_bytes : 0},
      {"disk_bytes", current != nullptr ? current->row.disk_bytes : 0},
      {"worth", current != nullptr ? current->row.worth : 0},
      {"pinned", explanation.origin.pinned},
      {"held", explanation.held},
      {"deleted_at_origin", explanation.gone},
      {"loads", explanation.loads},
      {"evictions", explanation.evictions},
      {"last_unload_reason", explanation.last_unload_reason},
      {"last_unload_at_us", EpochMicroseconds(explanation.last_unload_at)},
      {"last_error", explanation.last_error.message()},
      {"last_error_at_us", EpochMicroseconds(explanation.last_error_at)},
      {"versions", std::move(versions)}};
  return WithMember(object, "history", DecisionArray(history));
}

}  // namespace sarai::instance
