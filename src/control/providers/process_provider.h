// Instances as child processes of this one.
//
// Owner: Control. One thread, alive from the first Start to Shutdown, is the parent of all of them:
// a child dies with the thread that started it, so with this program however it ends. That thread
// waits for commands, for their first line of output and for their end, all in one poll.
//
// Files: DIR/instances/<id>/ is an instance's own and survives it; DIR/logs/<id>.log has what it
// wrote to standard error.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "control/options.h"
#include "control/providers/provider.h"

namespace sarai::control {

// Errors: the directories can not be made.
Result<std::unique_ptr<InstanceProvider>> MakeProcessProvider(std::string directory,
                                                              LaunchOptions options,
                                                              ProviderEvents events);

}  // namespace sarai::control
