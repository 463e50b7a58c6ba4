#include "cli/telemetry_flags.h"

#include <string_view>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "base/strings.h"

namespace sarai::cli {
namespace {

Status ApplyMetricsSetting(std::string_view text, instance::InstanceOptions& options) {
  const size_t equals = text.find('=');
  const std::string_view name = text.substr(0, equals);
  const std::string value =
      equals == text.npos ? "" : ToLower(std::string(text.substr(equals + 1)));
  if (name == "summary_quantiles") return {};  // of summaries, which must be asked for below
  if (value != "true" && value != "false")
    return MakeStatus(Code::kInvalidArgument, "--metrics-config '{}' is not SETTING=true|false",
                      text);
  if (name == "counter_latencies") {
    options.latency_metrics = value == "true";
    return {};
  }
  if (name != "summary_latencies" && name != "histogram_latencies")
    return MakeStatus(Code::kInvalidArgument,
                      "--metrics-config has no setting '{}': there are counter_latencies, "
                      "summary_latencies, histogram_latencies and summary_quantiles",
                      name);
  if (value == "true")
    return MakeStatus(Code::kInvalidArgument,
                      "--metrics-config {}: not served by this version; sarai_request_seconds is a "
                      "histogram of all requests",
                      name);
  return {};
}

void AddLogFlags(CLI::App& app, TelemetryFlags& flags, instance::InstanceOptions& options) {
  app.add_option("--log-info", flags.log_info, "Log what is of interest (default: --log-level)");
  app.add_option("--log-warning", flags.log_warning, "Log warnings (default: --log-level)");
  app.add_option("--log-error", flags.log_error, "Log errors (default: --log-level)");
  app.add_option("--log-verbose", flags.log_verbose, "Above 0: log details");
  app.add_option("--log-format", flags.log_format,
                 "default or ISO8601: lines begin with a time of ISO 8601 in both")
      ->check(CLI::IsMember({"default", "ISO8601"}))
      ->capture_default_str();
  app.add_option("--log-file", options.log_file, "Append the log here, not to standard error")
      ->type_name("FILE");
  app.add_option("--access-log", options.access_log,
                 "Append a JSON line per inference here; -: standard output")
      ->type_name("FILE");
}

Status ApplyLogFlags(const TelemetryFlags& flags, const instance::InstanceOptions& options) {
  LogSwitches switches = GetLogSwitches();
  switches.info = flags.log_info.value_or(switches.info);
  switches.warning = flags.log_warning.value_or(switches.warning);
  switches.error = flags.log_error.value_or(switches.error);
  switches.verbose = flags.log_verbose.value_or(switches.verbose);
  switches.iso8601 = flags.log_format == "ISO8601";
  SetLogSwitches(switches);
  return options.log_file.empty() ? Status() : SetLogFile(options.log_file);
}

}  // namespace

void AddTelemetryFlags(CLI::App& app, TelemetryFlags& flags, instance::InstanceOptions& options) {
  app.add_option("--allow-cpu-metrics", options.cpu_metrics, "Serve nv_cpu_* in /metrics")
      ->capture_default_str();
  app.add_option("--metrics-interval-ms", flags.metrics_interval_ms,
                 "Least time between two looks at the machine for nv_cpu_*")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--metrics-config", flags.metrics_config,
                 "SETTING=VALUE: counter_latencies=false leaves nv_*_duration_us out")
      ->type_name("SETTING");
  AddLogFlags(app, flags, options);
  AddTraceFlags(app, flags.trace);
}

Status ApplyTelemetryFlags(const TelemetryFlags& flags, instance::InstanceOptions& options) {
  options.metrics_interval = std::chrono::milliseconds(flags.metrics_interval_ms);
  for (const std::string& setting : flags.metrics_config)
    SARAI_CHECK_OK(ApplyMetricsSetting(setting, options));
  SARAI_CHECK_OK(ApplyTraceFlags(flags.trace, options));
  return ApplyLogFlags(flags, options);
}

}  // namespace sarai::cli
