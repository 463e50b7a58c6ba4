#include "cli/environment.h"

#include <unistd.h>

#include <filesystem>
#include <system_error>

namespace sarai::cli {

store::Environment ReadEnvironment() {
  store::Environment environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

std::string ExecutablePath() {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/self/exe", error).string();
}

std::string DefaultBackendDirectory() {
  const std::filesystem::path bin = std::filesystem::path(ExecutablePath()).parent_path();
  return (bin.parent_path() / "lib" / "sarai" / "backends").string();
}

}  // namespace sarai::cli
