#include "loadgen/trace_file.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "base/strings.h"

namespace sarai::loadgen {
namespace {

struct Columns {
  std::optional<size_t> model, time;
  double seconds_per_unit = 1;
};

Result<Columns> ReadColumns(std::string_view line) {
  Columns columns;
  const auto names = Split(line, ',');
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string name = ToLower(Trim(names[i]));
    if (name == "model") columns.model = i;
    if (name == "at_s" || name == "timestamp" || name == "at_ms") columns.time = i;
    if (name == "at_ms") columns.seconds_per_unit = 1e-3;
  }
  if (columns.model || columns.time) return columns;
  return Error(Code::kInvalidArgument,
               "the trace's first line, '{}', names neither a column `model` nor one of `at_s`, "
               "`at_ms`, `timestamp`",
               line.substr(0, 80));
}

struct Reader {
  Columns columns;
  Trace trace;
  std::map<std::string, uint32_t, std::less<>> known;
  std::optional<double> first;

  Status Read(std::string_view line, size_t number) {
    const auto cells = Split(line, ',');
    if (columns.time) SARAI_CHECK_OK(ReadTime(cells, number));
    if (!columns.model) return {};
    if (*columns.model >= cells.size() || Trim(cells[*columns.model]).empty())
      return MakeStatus(Code::kInvalidArgument, "line {} of the trace names no model", number);
    const std::string_view model = Trim(cells[*columns.model]);
    auto found = known.find(model);
    if (found == known.end()) {
      found = known.emplace(model, static_cast<uint32_t>(trace.models.size())).first;
      trace.models.emplace_back(model);
    }
    trace.order.push_back(found->second);
    return {};
  }

  Status ReadTime(const std::vector<std::string_view>& cells, size_t number) {
    const auto value =
        *columns.time < cells.size() ? ParseDouble(Trim(cells[*columns.time])) : std::nullopt;
    if (!value || !std::isfinite(*value))
      return MakeStatus(Code::kInvalidArgument, "line {} of the trace has no number as its time",
                        number);
    if (!first) first = *value;
    const double seconds = (*value - *first) * columns.seconds_per_unit;
    if (std::abs(seconds) > 1e9)
      return MakeStatus(Code::kInvalidArgument, "line {} of the trace is 30 years off", number);
    const auto at = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    if (at < (trace.at.empty() ? Duration(0) : trace.at.back()))
      return MakeStatus(Code::kInvalidArgument,
                        "line {} of the trace is earlier than the one above", number);
    trace.at.push_back(at);
    return {};
  }
};

}  // namespace

Result<Trace> ParseTrace(std::string_view csv) {
  Reader reader;
  size_t number = 0;
  for (const std::string_view raw : Split(csv, '\n')) {
    const std::string_view line = Trim(raw);
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    if (!reader.columns.model && !reader.columns.time) {
      SARAI_TRY(reader.columns, ReadColumns(line));
      continue;
    }
    SARAI_CHECK_OK(reader.Read(line, number));
  }
  if (reader.trace.order.empty() && reader.trace.at.empty())
    return Error(Code::kInvalidArgument, "the trace holds no request");
  return std::move(reader.trace);
}

}  // namespace sarai::loadgen
