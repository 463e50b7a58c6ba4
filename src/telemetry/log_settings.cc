#include "telemetry/log_settings.h"

namespace sarai::telemetry {
namespace {

constexpr char kDefaultFormat[] = "default", kIsoFormat[] = "ISO8601";

template <typename T>
Status Set(const LogSettingValues& changes, const char* name, const char* kind, T& value) {
  const auto change = changes.find(name);
  if (change == changes.end()) return {};
  const T* const given = std::get_if<T>(&change->second);
  if (given == nullptr) return MakeStatus(Code::kInvalidArgument, "'{}' must be {}", name, kind);
  value = *given;
  return {};
}

}  // namespace

Result<LogSwitches> UpdateLog(LogSwitches switches, const LogSettingValues& changes) {
  if (changes.contains("log_file"))
    return Error(Code::kUnimplemented,
                 "log file location can not be updated through network protocol");
  for (const auto& [name, value] : changes)
    if (!LogValues({}, "").contains(name))
      return Error(Code::kInvalidArgument, "there is no log setting '{}'", name);
  SARAI_CHECK_OK(Set(changes, "log_info", "true or false", switches.info));
  SARAI_CHECK_OK(Set(changes, "log_warning", "true or false", switches.warning));
  SARAI_CHECK_OK(Set(changes, "log_error", "true or false", switches.error));
  SARAI_CHECK_OK(Set(changes, "log_verbose_level", "an integer of 0 or more", switches.verbose));
  std::string format = switches.iso8601 ? kIsoFormat : kDefaultFormat;
  SARAI_CHECK_OK(Set(changes, "log_format", "a string", format));
  if (format != kDefaultFormat && format != kIsoFormat)
    return Error(Code::kInvalidArgument, "'log_format' must be default or ISO8601, got: {}",
                 format);
  switches.iso8601 = format == kIsoFormat;
  return switches;
}

LogSettingValues LogValues(const LogSwitches& switches, const std::string& file) {
  return {{"log_file", file},
          {"log_info", switches.info},
          {"log_warning", switches.warning},
          {"log_error", switches.error},
          {"log_verbose_level", switches.verbose},
          {"log_format", std::string(switches.iso8601 ? kIsoFormat : kDefaultFormat)}};
}

}  // namespace sarai::telemetry
