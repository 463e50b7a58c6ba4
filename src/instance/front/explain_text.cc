// An explanation for a person at a terminal.
#include <chrono>
#include <iterator>

#include <fmt/chrono.h>

#include "base/bytes.h"
#include "instance/front/admin_json.h"
#include "telemetry/decision_log.h"

namespace sarai::instance {
namespace {

constexpr size_t kShownDecisions = 20;

std::string TimeOf(WallTime at) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(
                                                  std::chrono::floor<std::chrono::seconds>(at))));
}

void AddVersion(std::string& text, const Explanation::Version& version) {
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "  version {}{}: {}\n", version.tag, version.current ? "" : " (not current)",
                 ModelStateName(version.row.state));
  fmt::format_to(out, "    memory {}, disk {}, worth {:.4g}{}\n",
                 FormatBytes(version.row.memory_bytes), FormatBytes(version.row.disk_bytes),
                 version.row.worth, version.row.pinned ? ", pinned" : "");
  if (version.loaded_at != WallTime{})
    fmt::format_to(out, "    last loaded {} in {:.0f} ms (fetched in {:.0f} ms)\n",
                   TimeOf(version.loaded_at), Milliseconds(version.load_time),
                   Milliseconds(version.fetch_time));
  if (version.counters.requests > 0)
    fmt::format_to(out, "    {} requests since, {} of them failed, {} in flight\n",
                   version.counters.requests, version.counters.failures,
                   version.counters.in_flight);
}

}  // namespace

std::string ExplainText(const Explanation& explanation, const std::vector<Decision>& history,
                        const std::string& instance_id) {
  std::string text =
      fmt::format("{} on {}\n  from {}\n", explanation.name, instance_id, explanation.origin.url);
  const auto out = std::back_inserter(text);
  if (explanation.versions.empty()) text += "  nothing of it is here\n";
  for (const Explanation::Version& version : explanation.versions) AddVersion(text, version);
  fmt::format_to(out, "  {} loads, {} evictions\n", explanation.loads, explanation.evictions);
  if (explanation.held) text += "  unloaded by an explicit call: until an explicit load\n";
  if (explanation.gone) text += "  its object was deleted: it answers while it is loaded\n";
  if (!explanation.last_unload_reason.empty())
    fmt::format_to(out, "  last unloaded {}: {}\n", TimeOf(explanation.last_unload_at),
                   explanation.last_unload_reason);
  if (!explanation.last_error.ok())
    fmt::format_to(out, "  last error {}: {}\n", TimeOf(explanation.last_error_at),
                   explanation.last_error.message());
  const size_t skipped = history.size() - std::min(history.size(), kShownDecisions);
  for (size_t i = skipped; i < history.size(); ++i)
    fmt::format_to(out, "  {} {}: {}\n", TimeOf(history[i].at),
                   telemetry::DecisionKindName(history[i].kind), history[i].reason);
  return text;
}

}  // namespace sarai::instance
