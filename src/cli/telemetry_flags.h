// `sarai instance`'s flags of metrics, named as Triton's.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "instance/options.h"

namespace CLI {
class App;
}

namespace sarai::cli {

struct TelemetryFlags {
  int64_t metrics_interval_ms = 2000;
  std::vector<std::string> metrics_config;  // "setting=value"
};

void AddTelemetryFlags(CLI::App& app, TelemetryFlags& flags, instance::InstanceOptions& options);
// Errors: kInvalidArgument names the flag and the setting.
Status ApplyTelemetryFlags(const TelemetryFlags& flags, instance::InstanceOptions& options);

}  // namespace sarai::cli
