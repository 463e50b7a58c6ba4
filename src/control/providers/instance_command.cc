#include "control/providers/instance_command.h"

#include <fmt/format.h>

#include "base/strings.h"

namespace sarai::control {
namespace {

constexpr std::string_view kReady = "sarai: ready ";
constexpr std::string_view kHttp = "http=";

// Variables that would make the dynamic linker run something else than what we start.
bool IsLinkersOwn(std::string_view name) { return name.starts_with("LD_"); }

std::vector<std::string> EnvironmentOf(const InstanceLaunch& launch, const LaunchOptions& options) {
  auto merged = options.environment;
  for (const auto& [name, value] : launch.environment)
    if (!IsLinkersOwn(name)) merged.insert_or_assign(name, value);
  std::vector<std::string> environment;
  for (const auto& [name, value] : merged) environment.push_back(fmt::format("{}={}", name, value));
  return environment;
}

}  // namespace

InstanceCommand CommandOf(const InstanceLaunch& launch, const LaunchOptions& options,
                          const std::string& directory) {
  std::vector<std::string> arguments = {
      options.executable,
      "instance",
      fmt::format("--source-url={}", launch.source_url),
      fmt::format("--state-directory={}", directory),
      fmt::format("--instance-memory={}", launch.memory_bytes),
      fmt::format("--instance-disk={}", launch.disk_bytes),
      "--http-address=127.0.0.1",
      "--http-port=0",
      "--grpc-port=0",
      "--metrics-port=0",
      fmt::format("--instance-id={}", launch.id),
  };
  if (!launch.multi_model) arguments.emplace_back("--single-model");
  arguments.insert(arguments.end(), options.flags.begin(), options.flags.end());
  return {std::move(arguments), EnvironmentOf(launch, options)};
}

std::optional<std::string> AddressInReadyLine(std::string_view line) {
  if (!line.starts_with(kReady)) return std::nullopt;
  for (const std::string_view word : Split(Trim(line.substr(kReady.size())), ' '))
    if (word.starts_with(kHttp) && word.size() > kHttp.size())
      return std::string(word.substr(kHttp.size()));
  return std::nullopt;
}

}  // namespace sarai::control
