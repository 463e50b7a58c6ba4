#include "backends/host/host_arguments.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

#include "base/strings.h"

namespace sarai::backends::host {
namespace {

Status SetNumber(std::string_view name, std::string_view value, int min, int max, int& target) {
  const std::optional<int64_t> number = ParseInt(value);
  if (!number || *number < min || *number > max)
    return MakeStatus(Code::kInvalidArgument, "{}={}: expected a number from {} to {}", name, value,
                      min, max);
  target = static_cast<int>(*number);
  return {};
}

Status SetSetting(std::string_view value, BackendOptions& options) {
  const auto equals = value.find('=');
  if (equals == std::string_view::npos)
    return MakeStatus(Code::kInvalidArgument, "--setting={}: expected key=value", value);
  options.settings[std::string(value.substr(0, equals))] = value.substr(equals + 1);
  return {};
}

Status SetArgument(std::string_view name, std::string_view value, HostArguments& arguments) {
  constexpr int kMax = std::numeric_limits<int>::max();
  if (name == "--backend") {
    arguments.backend = value;
  } else if (name == "--library") {
    arguments.library = value;
  } else if (name == "--channels") {
    return SetNumber(name, value, 1, kChannelsMax, arguments.channels);
  } else if (name == "--parent") {
    return SetNumber(name, value, 1, kMax, arguments.parent_pid);
  } else if (name == "--intra-op-threads") {
    return SetNumber(name, value, 0, kMax, arguments.options.intra_op_threads);
  } else if (name == "--setting") {
    return SetSetting(value, arguments.options);
  } else {
    return MakeStatus(Code::kInvalidArgument, "backend-host knows no argument '{}'", name);
  }
  return {};
}

}  // namespace

std::vector<std::string> ToCommandLine(const HostArguments& arguments) {
  std::vector<std::string> line = {
      "--backend=" + arguments.backend,
      "--library=" + arguments.library,
      fmt::format("--channels={}", arguments.channels),
      fmt::format("--parent={}", arguments.parent_pid),
      fmt::format("--intra-op-threads={}", arguments.options.intra_op_threads),
  };
  for (const auto& [key, value] : arguments.options.settings)
    line.push_back(fmt::format("--setting={}={}", key, value));
  return line;
}

Result<HostArguments> ParseHostArguments(std::span<const std::string> command_line) {
  HostArguments arguments;
  for (const std::string& argument : command_line) {
    const auto equals = argument.find('=');
    if (equals == std::string::npos)
      return Error(Code::kInvalidArgument, "backend-host: '{}' has no value", argument);
    const std::string_view text = argument;
    SARAI_CHECK_OK(SetArgument(text.substr(0, equals), text.substr(equals + 1), arguments));
  }
  if (arguments.library.empty() || arguments.channels == 0 || arguments.parent_pid == 0)
    return Error(Code::kInvalidArgument,
                 "backend-host needs --library, --channels and --parent; it is started by an "
                 "instance, not by hand");
  return arguments;
}

}  // namespace sarai::backends::host
