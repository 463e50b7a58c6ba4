// Which models are loaded, and when the server calls itself ready: Triton's control modes and
// Sarai's own.
#pragma once

#include <string>

#include "base/status.h"
#include "instance/options.h"

namespace CLI {
class App;
}

namespace sarai::cli {

struct ControlFlags {
  std::string mode = "on-demand";
  int poll_secs = 15;
  bool exit_on_error = true;
};

void AddControlFlags(CLI::App& app, ControlFlags& flags, instance::InstanceOptions& options);

// Errors name the flags that do not go together.
Status ApplyControlFlags(const ControlFlags& flags, instance::InstanceOptions& options);

}  // namespace sarai::cli
