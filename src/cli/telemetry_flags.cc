#include "cli/telemetry_flags.h"

#include <string_view>

#include <CLI/CLI.hpp>

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
}

Status ApplyTelemetryFlags(const TelemetryFlags& flags, instance::InstanceOptions& options) {
  options.metrics_interval = std::chrono::milliseconds(flags.metrics_interval_ms);
  for (const std::string& setting : flags.metrics_config)
    SARAI_CHECK_OK(ApplyMetricsSetting(setting, options));
  return {};
}

}  // namespace sarai::cli
