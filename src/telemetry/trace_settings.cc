#include "telemetry/trace_settings.h"

#include <algorithm>
#include <limits>

#include "base/strings.h"

namespace sarai::telemetry {
namespace {

using Texts = std::vector<std::string>;

void Apply(TraceValues& values, const TraceOverrides& over) {
  values.level = over.level.value_or(values.level);
  values.rate = over.rate.value_or(values.rate);
  values.count = over.count.value_or(values.count);
  values.log_frequency = over.log_frequency.value_or(values.log_frequency);
}

Result<TraceLevel> LevelOf(const Texts& texts) {
  TraceLevel level;
  for (const std::string& text : texts) {
    if (text == "OFF" && texts.size() > 1)
      return Error(Code::kInvalidArgument, "Expect only one trace level 'OFF' is specified");
    level.timestamps |= text == "TIMESTAMPS";
    level.tensors |= text == "TENSORS";
    if (text != "OFF" && text != "TIMESTAMPS" && text != "TENSORS")
      return Error(Code::kInvalidArgument,
                   "'trace_level' must be OFF, TIMESTAMPS or TENSORS, got: {}", text);
  }
  return level;
}

template <typename T>
Result<T> NumberOf(const char* name, const Texts& texts, int64_t least) {
  const auto number = texts.size() == 1 ? ParseInt(texts.front()) : std::nullopt;
  if (!number)
    return Error(Code::kInvalidArgument, "Unable to parse '{}', got: {}", name, Join(texts, ","));
  constexpr int64_t kMost = std::numeric_limits<T>::max();
  if (*number < least || *number > kMost)
    return Error(Code::kInvalidArgument,
                 "Unable to parse '{}', value is out of range [ {}, {} ], got: {}", name, least,
                 kMost, texts.front());
  return static_cast<T>(*number);
}

template <typename T>
Status SetNumber(const TraceSettingTexts& changes, const char* name, int64_t least,
                 std::optional<T>& setting) {
  const auto change = changes.find(name);
  if (change == changes.end()) return {};
  if (change->second.empty()) {
    setting.reset();
    return {};
  }
  SARAI_TRY(setting, NumberOf<T>(name, change->second, least));
  return {};
}

Status SetLevel(const TraceSettingTexts& changes, std::optional<TraceLevel>& setting) {
  const auto change = changes.find("trace_level");
  if (change == changes.end()) return {};
  if (change->second.empty()) {
    setting.reset();
    return {};
  }
  SARAI_TRY(setting, LevelOf(change->second));
  return {};
}

}  // namespace

TraceValues TraceTable::Of(const std::string& model) const {
  TraceValues values = start;
  Apply(values, server);
  if (const auto it = models.find(model); it != models.end()) Apply(values, it->second);
  return values;
}

bool TraceTable::any() const {
  return !Of("").level.off() || std::ranges::any_of(models, [this](const auto& entry) {
    return !Of(entry.first).level.off();
  });
}

Result<TraceTable> UpdateTrace(TraceTable table, const std::string& model,
                               const TraceSettingTexts& changes) {
  if (changes.contains("trace_file"))
    return Error(Code::kUnimplemented,
                 "trace file location can not be updated through network protocol");
  TraceOverrides over = model.empty() ? table.server : table.models[model];
  SARAI_CHECK_OK(SetLevel(changes, over.level));
  SARAI_CHECK_OK(SetNumber(changes, "trace_rate", 0, over.rate));
  SARAI_CHECK_OK(SetNumber(changes, "trace_count", -1, over.count));
  SARAI_CHECK_OK(SetNumber(changes, "log_frequency", 0, over.log_frequency));
  if (model.empty())
    table.server = over;
  else if (over.empty())
    table.models.erase(model);
  else
    table.models[model] = over;
  return table;
}

TraceSettingTexts TraceTexts(const TraceValues& values) {
  Texts levels;
  if (values.level.timestamps) levels.emplace_back("TIMESTAMPS");
  if (values.level.tensors) levels.emplace_back("TENSORS");
  if (levels.empty()) levels.emplace_back("OFF");
  return {{"trace_level", std::move(levels)},
          {"trace_rate", {std::to_string(values.rate)}},
          {"trace_count", {std::to_string(values.count)}},
          {"log_frequency", {std::to_string(values.log_frequency)}}};
}

}  // namespace sarai::telemetry
