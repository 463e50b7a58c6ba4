// What a shell command prints, for the profile setting `credential_process`.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/status.h"
#include "store/open_store.h"

namespace sarai::store {

// Runs it with /bin/sh under this environment. Errors: kUnavailable when it fails or prints more
// than `max_bytes`; kDeadlineExceeded after `timeout` (it is then killed).
Result<std::string> CommandOutput(const std::string& command, const Environment& environment,
                                  std::chrono::milliseconds timeout, uint64_t max_bytes,
                                  const Clock& clock);

}  // namespace sarai::store
