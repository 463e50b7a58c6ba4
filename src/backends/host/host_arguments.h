// What the parent tells a backend host on its command line. Both directions live here, so that the
// two ends cannot drift apart.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "base/status.h"

namespace sarai::backends::host {

// Descriptors that the host inherits: for channel i, from kFirstFd + 3 * i, its socket, its request
// region and its response region.
inline constexpr int kFirstFd = 3;
inline constexpr int kFdsPerChannel = 3;
inline constexpr int kChannelsMax = 256;

struct HostArguments {
  std::string backend;  // for messages and `ps`
  std::string library;  // libsarai_<backend>.so
  int channels = 0;
  int parent_pid = 0;  // the host ends at once when its parent is another
  BackendOptions options;
};

// "--backend=pytorch", "--library=…", …: what follows the subcommand.
std::vector<std::string> ToCommandLine(const HostArguments& arguments);

// Errors: kInvalidArgument names the argument.
Result<HostArguments> ParseHostArguments(std::span<const std::string> command_line);

}  // namespace sarai::backends::host
