// Settings and headers of traces and logs: lines "NAME=VALUE,VALUE" change trace settings,
// "log NAME=VALUE" log settings, "traceparent VALUE" is a header.
#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "telemetry/access_line.h"
#include "telemetry/log_settings.h"
#include "telemetry/otlp.h"
#include "telemetry/trace_context.h"
#include "telemetry/trace_file.h"
#include "telemetry/trace_settings.h"
#include "wire/json/json.h"

namespace sarai::fuzz {
namespace {

struct Change {
  std::string name;
  std::vector<std::string> values;
};

Change ReadChange(std::string_view line) {
  const size_t equals = std::min(line.find('='), line.size());
  Change change{.name = std::string(line.substr(0, equals))};
  if (equals + 1 >= line.size()) return change;
  for (const std::string_view value : Split(line.substr(equals + 1), ','))
    change.values.emplace_back(value);
  return change;
}

void ChangeLog(LogSwitches& switches, std::string_view line) {
  const Change change = ReadChange(line);
  const std::string value = change.values.empty() ? "" : change.values.front();
  telemetry::LogSettingValues values;
  if (value == "true" || value == "false")
    values[change.name] = value == "true";
  else if (const auto number = ParseInt(value); number && *number >= 0 && *number <= UINT32_MAX)
    values[change.name] = static_cast<uint32_t>(*number);
  else
    values[change.name] = value;
  auto changed = telemetry::UpdateLog(switches, values);
  if (ExpectAnswer(changed)) switches = *changed;
}

// What the tracing writes of a request that came with such a header.
void ReadHeader(std::string_view header) {
  const auto context = telemetry::ParseTraceParent(header);
  TraceRecord record{.id = 1, .model = std::string(header), .request_id = std::string(header)};
  if (context) {
    FUZZ_EXPECT(context->trace_id.size() == 32 && context->span_id.size() == 16);
    record.trace_id = context->trace_id;
    record.parent_span_id = context->span_id;
  }
  record.trace_state = header;
  record.error = header;
  const std::string file = "[" + telemetry::TraceJson(record) + "]";
  FUZZ_EXPECT(json::Parse(file).has_value(), "{}", file);
  const std::string line = telemetry::AccessLine(record, WallTime());
  FUZZ_EXPECT(json::Parse(line).has_value(), "{}", line);
  const std::string body = telemetry::ExportBody(
      {{"service.name", "s"}}, telemetry::SpansOf(record, Duration(0), [] { return "0a"; }));
  FUZZ_EXPECT(json::Parse(body).has_value(), "{}", body);
}

void Run(Input input) {
  telemetry::TraceTable table;
  LogSwitches switches;
  for (int lines = 0; lines < 16 && !input.rest().empty(); ++lines) {
    const std::string_view line = input.Line();
    if (line.starts_with("traceparent ")) {
      ReadHeader(line.substr(12));
      continue;
    }
    if (line.starts_with("log ")) {
      ChangeLog(switches, line.substr(4));
      continue;
    }
    const Change change = ReadChange(line);
    auto changed =
        telemetry::UpdateTrace(table, lines % 2 == 0 ? "" : "m", {{change.name, change.values}});
    if (ExpectAnswer(changed)) table = std::move(*changed);
    for (const auto& [model, overrides] : table.models) FUZZ_EXPECT(!overrides.empty());
  }
  (void)telemetry::LogValues(switches, "f");
  // Told and set again, they are the same.
  const auto told = telemetry::TraceTexts(table.Of(""));
  const auto again = telemetry::UpdateTrace({}, "", told);
  FUZZ_EXPECT(again.has_value(), "{}", again.error().message());
  FUZZ_EXPECT(telemetry::TraceTexts(again->Of("")) == told);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
