// Waiting for the end: SIGTERM and SIGINT as an event.
#pragma once

namespace sarai::cli {

// Blocks SIGTERM, SIGINT and SIGPIPE in this thread and all it will start. Call first in main's
// thread, before any other thread exists.
void BlockSignals();

// Waits for SIGTERM or SIGINT; returns which one.
int WaitForStop();

// Whether one of them has come since the last call; does not wait.
bool StopAsked();

}  // namespace sarai::cli
