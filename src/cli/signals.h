// Waiting for the end: SIGTERM and SIGINT as an event.
#pragma once

#include <functional>

namespace sarai::cli {

// Blocks SIGTERM, SIGINT and SIGPIPE in this thread and all it will start. Call first in main's
// thread, before any other thread exists.
void BlockSignals();

// Waits for SIGTERM or SIGINT; returns which one. `on_nudge` is called in this thread for each
// Nudge; 0 is returned when it says that there is no use in waiting.
int WaitForStop(const std::function<bool()>& on_nudge = {});
// From any thread.
void Nudge();

// Whether one of them has come since the last call; does not wait.
bool StopAsked();

}  // namespace sarai::cli
