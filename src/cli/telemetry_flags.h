// `sarai instance`'s flags of metrics, tracing and logs, named as Triton's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/trace_flags.h"
#include "instance/options.h"

namespace CLI {
class App;
}

namespace sarai::cli {

struct TelemetryFlags {
  int64_t metrics_interval_ms = 2000;
  std::vector<std::string> metrics_config;  // "setting=value"
  std::optional<bool> log_info, log_warning, log_error;
  std::optional<uint32_t> log_verbose;
  std::string log_format = "default";
  TraceFlags trace;
};

void AddTelemetryFlags(CLI::App& app, TelemetryFlags& flags, instance::InstanceOptions& options);
// Errors: kInvalidArgument names the flag and the setting.
Status ApplyTelemetryFlags(const TelemetryFlags& flags, instance::InstanceOptions& options);

}  // namespace sarai::cli
