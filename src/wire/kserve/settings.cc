// Trace and log settings as JSON.
#include <limits>

#include "wire/json/json.h"
#include "wire/kserve/json_members.h"
#include "wire/kserve/management.h"

namespace sarai::kserve {
namespace {

constexpr size_t kMaxSettings = 256, kMaxValues = 64;

// The one trace setting that is a list, however many values it has.
constexpr std::string_view kListSetting = "trace_level";

Result<std::vector<std::string>> TraceValues(const std::string& name, const json::Value& value) {
  if (value.is_null()) return std::vector<std::string>();
  if (value.is_string()) return std::vector<std::string>{std::string(value.get_string())};
  const json::Array* const list = value.if_array();
  if (list == nullptr || list->size() > kMaxValues)
    return Error(Code::kInvalidArgument, "'{}' must be a string, a list of strings or null", name);
  std::vector<std::string> values;
  for (const json::Value& element : *list) {
    if (!element.is_string())
      return Error(Code::kInvalidArgument, "'{}' must be a list of strings", name);
    values.emplace_back(element.get_string());
  }
  return values;
}

Result<LogSetting> LogValue(const std::string& name, const json::Value& value) {
  if (value.is_bool()) return LogSetting(value.get_bool());
  if (value.is_string()) return LogSetting(std::string(value.get_string()));
  const int64_t* const number = value.if_int64();
  if (number == nullptr || *number < 0 || *number > std::numeric_limits<uint32_t>::max())
    return Error(Code::kInvalidArgument,
                 "'{}' must be a string, true or false, or an integer of 0 or more", name);
  return LogSetting(static_cast<uint32_t>(*number));
}

Result<json::Object> ParseSettings(std::string_view body) {
  SARAI_TRY(auto object, json::ParseObject(body));
  if (object.size() > kMaxSettings)
    return Error(Code::kInvalidArgument, "more than {} settings", kMaxSettings);
  return object;
}

void AppendList(std::string& out, std::string_view key, const std::vector<std::string>& values) {
  AppendKey(out, key);
  out += '[';
  for (const std::string& value : values) {
    if (out.back() != '[') out += ',';
    json::AppendString(out, json::ToValidUtf8(value));
  }
  out += ']';
}

void AppendSetting(std::string& out, std::string_view key, const LogSetting& setting) {
  if (const auto* text = std::get_if<std::string>(&setting)) return AppendMember(out, key, *text);
  if (const auto* number = std::get_if<uint32_t>(&setting)) return AppendMember(out, key, *number);
  AppendKey(out, key);
  json::AppendBool(out, std::get<bool>(setting));
}

}  // namespace

Result<TraceSettings> ParseTraceSettings(std::string_view body) {
  SARAI_TRY(const auto object, ParseSettings(body));
  TraceSettings settings;
  for (const auto& member : object) {
    const std::string name(member.key());
    SARAI_TRY(settings[name], TraceValues(name, member.value()));
  }
  return settings;
}

std::string EncodeTraceSettings(const TraceSettings& settings) {
  std::string out = "{";
  for (const auto& [name, values] : settings) {
    if (name == kListSetting || values.size() > 1)
      AppendList(out, name, values);
    else
      AppendMember(out, name, values.empty() ? std::string_view() : values.front());
  }
  return out + "}";
}

Result<LogSettings> ParseLogSettings(std::string_view body) {
  SARAI_TRY(const auto object, ParseSettings(body));
  LogSettings settings;
  for (const auto& member : object) {
    if (member.value().is_null()) continue;  // asks for no change
    const std::string name(member.key());
    SARAI_TRY(settings[name], LogValue(name, member.value()));
  }
  return settings;
}

std::string EncodeLogSettings(const LogSettings& settings) {
  std::string out = "{";
  for (const auto& [name, setting] : settings) AppendSetting(out, name, setting);
  return out + "}";
}

}  // namespace sarai::kserve
