#include "backends/fil/shared_library.h"

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>

#include "base/strings.h"

namespace sarai::backends::fil {
namespace {

namespace fs = std::filesystem;

constexpr size_t kMessageBytesMax = 1024;

// Beside the folder of this shared object, where its neighbours lie as in their wheels: two of them
// look for their own libgomp from there.
fs::path RuntimeDirectory() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void*>(&RuntimeDirectory), &info) == 0) return {};
  return fs::path(info.dli_fname).parent_path() / "../runtimes/fil";
}

// "[10:42:11] /src/file.cc:12: what went wrong" -> "what went wrong"
std::string_view WithoutPlace(std::string_view line) {
  if (line.starts_with('[')) line = line.substr(std::min(line.find(']') + 1, line.size()));
  line = Trim(line);
  const size_t end = line.find(": ");
  const bool is_place = line.starts_with('/') && end != std::string_view::npos;
  return is_place ? Trim(line.substr(end + 1)) : line;
}

}  // namespace

Result<SharedLibrary> SharedLibrary::Open(const std::string& path) {
  const std::string file = RuntimeDirectory() / path;
  void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle != nullptr) return SharedLibrary(file, handle);
  const char* why = dlerror();  // NOLINT(concurrency-mt-unsafe): glibc keeps it by thread
  return Error(Code::kFailedPrecondition,
               "cannot open '{}' ({}): ./dev setup --backend fil installs it", path,
               why == nullptr ? "unknown reason" : why);
}

void* SharedLibrary::Symbol(const char* name) const { return dlsym(handle_, name); }

Status SharedLibrary::CheckComplete() const {
  if (missing_.empty()) return {};
  return MakeStatus(Code::kFailedPrecondition,
                    "'{}' has no function {}: it is of a version that is not supported; ./dev "
                    "setup --backend fil installs one that is",
                    path_, missing_);
}

std::string PlainMessage(const char* text) {
  std::string plain;
  for (const std::string_view line : Split(text == nullptr ? "unknown reason" : text, '\n')) {
    if (line.starts_with("Stack trace")) break;
    const std::string_view sentence = WithoutPlace(line);
    if (sentence.empty()) continue;
    if (!plain.empty()) plain += ' ';
    plain += sentence;
  }
  return plain.substr(0, kMessageBytesMax);
}

Status LibraryError(Code code, const char* library, const char* text) {
  const std::string message = PlainMessage(text);
  const bool no_memory = message.find("bad_alloc") != std::string::npos;
  if (no_memory && code == Code::kDataLoss)
    return MakeStatus(code, "{}: the file asks for more memory than there is: is it damaged?",
                      library);
  if (no_memory) code = Code::kResourceExhausted;
  return MakeStatus(code, "{}: {}", library, message);
}

}  // namespace sarai::backends::fil
