#include "backends/load_library.h"

#include <dlfcn.h>
#include <unistd.h>

namespace sarai::backends {
namespace {

std::string DlError() {
  const char* text = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it by thread
  return text == nullptr ? "unknown reason" : text;
}

Result<MakeBackendFn> OpenLibrary(const std::string& path) {
  if (access(path.c_str(), R_OK) != 0)
    return Error(Code::kNotFound,
                 "backend library '{}' is not there: was its framework found when Sarai was built?",
                 path);
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr)
    return Error(Code::kFailedPrecondition, "cannot load backend library '{}': {}", path,
                 DlError());
  auto make = reinterpret_cast<MakeBackendFn>(dlsym(library, kMakeBackendSymbol));
  if (make == nullptr)
    return Error(Code::kFailedPrecondition, "'{}' is no Sarai backend: it does not export {}", path,
                 kMakeBackendSymbol);
  return make;
}

}  // namespace

Result<std::unique_ptr<Backend>> LoadBackendLibrary(const std::string& path,
                                                    const BackendOptions& options) {
  SARAI_TRY(const MakeBackendFn make, OpenLibrary(path));
  std::string error;
  std::unique_ptr<Backend> backend(make(&options, &error));
  if (backend == nullptr)
    return Error(Code::kFailedPrecondition, "backend library '{}' cannot start: {}", path, error);
  return backend;
}

}  // namespace sarai::backends
