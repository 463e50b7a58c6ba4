// Opens a backend's shared object.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"

namespace sarai::backends {

// Opens the file and makes its backend. The library stays open for the process's life: frameworks
// do not survive being closed. Errors: kNotFound (no such file), kFailedPrecondition (it does not
// load, exports no backend, or the backend cannot start); each names the file and the reason.
Result<std::unique_ptr<Backend>> LoadBackendLibrary(const std::string& path,
                                                    const BackendOptions& options);

}  // namespace sarai::backends
