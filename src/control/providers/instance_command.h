// The command line and environment of one instance process. Pure. The one place that knows the
// flags of `sarai instance`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/options.h"
#include "control/providers/provider.h"

namespace sarai::control {

struct InstanceCommand {
  std::vector<std::string> arguments;    // arguments[0] is the program
  std::vector<std::string> environment;  // "NAME=value"
};

// `directory` is the instance's own; its disk tier lies there.
InstanceCommand CommandOf(const InstanceLaunch& launch, const LaunchOptions& options,
                          const std::string& directory);

// "sarai: ready http=127.0.0.1:41 grpc=…" -> "127.0.0.1:41"; any other line -> nothing.
std::optional<std::string> AddressInReadyLine(std::string_view line);

}  // namespace sarai::control
