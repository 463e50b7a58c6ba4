// `sarai instance`'s flags of tracing, named as Triton's: --trace-config and the older ones.
#pragma once

#include <string>
#include <vector>

#include "instance/options.h"

namespace CLI {
class App;
}

namespace sarai::cli {

struct TraceFlags {
  std::vector<std::string> config;  // "level=TIMESTAMPS", "triton,file=…", "opentelemetry,url=…"
  std::vector<std::string> levels;  // of --trace-level
};

void AddTraceFlags(CLI::App& app, TraceFlags& flags);
// Errors: kInvalidArgument names the setting.
Status ApplyTraceFlags(const TraceFlags& flags, instance::InstanceOptions& options);

}  // namespace sarai::cli
