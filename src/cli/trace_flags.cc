#include "cli/trace_flags.h"

#include <string_view>
#include <utility>

#include <CLI/CLI.hpp>

#include "base/strings.h"

namespace sarai::cli {
namespace {

struct Setting {
  std::string mode, name, value;  // mode empty = of both
};

// "rate=100", "triton,file=/tmp/t.json", "opentelemetry,resource=service.name=x"
Result<Setting> ParseSetting(const std::string& text) {
  const size_t equals = text.find('=');
  const size_t comma = text.find(',');
  if (equals == std::string::npos)
    return Error(Code::kInvalidArgument, "--trace-config '{}' is not [MODE,]SETTING=VALUE", text);
  Setting setting{.value = text.substr(equals + 1)};
  const bool has_mode = comma < equals;
  if (has_mode) setting.mode = text.substr(0, comma);
  const size_t from = has_mode ? comma + 1 : 0;
  setting.name = text.substr(from, equals - from);
  if (has_mode && setting.mode != "triton" && setting.mode != "opentelemetry")
    return Error(Code::kInvalidArgument,
                 "--trace-config's mode must be triton or opentelemetry, got: {}", setting.mode);
  return setting;
}

Result<uint32_t> Number(const Setting& setting) {
  const auto number = ParseInt(setting.value);
  if (!number || *number < 0 || *number > UINT32_MAX)
    return Error(Code::kInvalidArgument, "--trace-config {}: '{}' is no number of 0 or more",
                 setting.name, setting.value);
  return static_cast<uint32_t>(*number);
}

Status ApplyOpenTelemetry(const Setting& setting, instance::SpanExporterOptions& spans) {
  if (setting.name == "url") {
    spans.url = setting.value;
  } else if (setting.name == "resource") {
    const size_t equals = setting.value.find('=');
    if (equals == std::string::npos)
      return MakeStatus(Code::kInvalidArgument, "--trace-config resource '{}' is not KEY=VALUE",
                        setting.value);
    spans.resource[setting.value.substr(0, equals)] = setting.value.substr(equals + 1);
  } else if (setting.name == "bsp_max_queue_size") {
    SARAI_TRY(spans.max_queue_size, Number(setting));
  } else if (setting.name == "bsp_schedule_delay") {
    SARAI_TRY(const uint32_t delay, Number(setting));
    spans.schedule_delay = std::chrono::milliseconds(delay);
  } else if (setting.name == "bsp_max_export_batch_size") {
    SARAI_TRY(spans.max_batch, Number(setting));
  } else {
    return MakeStatus(Code::kInvalidArgument, "--trace-config opentelemetry has no setting '{}'",
                      setting.name);
  }
  return {};
}

// What the two modes have in common is checked where live changes of it are.
Status ApplyCommon(const Setting& setting, instance::InstanceOptions& options,
                   telemetry::TraceSettingTexts& changes) {
  if (setting.name == "mode") {
    if (setting.value != "triton" && setting.value != "opentelemetry")
      return MakeStatus(Code::kInvalidArgument,
                        "--trace-config mode must be triton or opentelemetry, got: {}",
                        setting.value);
    options.trace_opentelemetry = setting.value == "opentelemetry";
  } else if (setting.name == "level") {
    changes["trace_level"].push_back(setting.value);
  } else if (setting.name == "rate" || setting.name == "count") {
    changes["trace_" + setting.name] = {setting.value};
  } else {
    return MakeStatus(Code::kInvalidArgument, "--trace-config has no setting '{}'", setting.name);
  }
  return {};
}

Status ApplyTriton(const Setting& setting, instance::InstanceOptions& options,
                   telemetry::TraceSettingTexts& changes) {
  if (setting.name == "file") {
    options.trace_file = setting.value;
  } else if (setting.name == "log-frequency") {
    changes["log_frequency"] = {setting.value};
  } else {
    return ApplyCommon(setting, options, changes);
  }
  return {};
}

}  // namespace

void AddTraceFlags(CLI::App& app, TraceFlags& flags) {
  app.add_option("--trace-config", flags.config,
                 "[MODE,]SETTING=VALUE: mode, level, rate, count; triton,file; "
                 "triton,log-frequency; opentelemetry,url; opentelemetry,resource; "
                 "opentelemetry,bsp_…; may be given several times")
      ->type_name("SETTING");
  app.add_option("--trace-level", flags.levels, "As --trace-config level=")->group("");
  for (const char* const name : {"file", "rate", "count", "log-frequency"})
    app.add_option_function<std::string>(
           std::string("--trace-") + name,
           [&flags, name](const std::string& value) {
             // What --trace-config says comes later, and so holds.
             flags.config.insert(flags.config.begin(), std::string("triton,") + name + "=" + value);
           },
           std::string("As --trace-config triton,") + name + "=")
        ->group("");
}

Status ApplyTraceFlags(const TraceFlags& flags, instance::InstanceOptions& options) {
  telemetry::TraceSettingTexts changes;
  if (!flags.levels.empty()) changes["trace_level"] = flags.levels;
  options.spans.resource.try_emplace("service.name", "sarai");
  for (const std::string& text : flags.config) {
    SARAI_TRY(const Setting setting, ParseSetting(text));
    SARAI_CHECK_OK(setting.mode == "opentelemetry" ? ApplyOpenTelemetry(setting, options.spans)
                                                   : ApplyTriton(setting, options, changes));
  }
  SARAI_TRY(const telemetry::TraceTable table, telemetry::UpdateTrace({}, "", changes));
  options.trace = table.Of("");
  return {};
}

}  // namespace sarai::cli
