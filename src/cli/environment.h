// The process environment, read once: nothing below cli calls getenv.
#pragma once

#include <string>

#include "store/open_store.h"

namespace sarai::cli {

store::Environment ReadEnvironment();

// This program's own absolute path: it is what instances and backend hosts run.
std::string ExecutablePath();
// lib/sarai/backends beside bin/.
std::string DefaultBackendDirectory();

}  // namespace sarai::cli
