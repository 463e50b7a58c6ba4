// The host's side: what `sarai backend-host` runs.
#pragma once

#include "backends/host/host_arguments.h"

namespace sarai::backends::host {

// Serves the inherited channels until the parent closes one of them or dies; then the process ends,
// from here or from any of the host's threads. Returns an exit code when it cannot start.
int RunBackendHost(const HostArguments& arguments);

}  // namespace sarai::backends::host
