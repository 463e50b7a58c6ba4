// Replaces a function that one loaded library imports, for that library alone.
#pragma once

#include <string_view>

namespace sarai::backends::ort {

// Points every import slot of `symbol` in the library (a handle from dlopen) at `replacement`.
// Returns how many slots there were: 0 = the library does not import it. Call before other threads
// run the library's code.
int RedirectImport(void* library, std::string_view symbol, void* replacement);

}  // namespace sarai::backends::ort
