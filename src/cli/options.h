// Flags in the project's one style: byte counts ("2GiB"), durations ("55s"), addresses
// ("127.0.0.1:8080"), and a SARAI_… variable for each.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/status.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sarai::cli {

// "--instance-memory 2GiB"
CLI::Option* AddBytes(CLI::App& app, const std::string& flag, uint64_t& bytes,
                      const std::string& help);

// "--wait-budget 55s"; also "250ms", "2m"; a bare number is seconds.
CLI::Option* AddDuration(CLI::App& app, const std::string& flag,
                         std::chrono::milliseconds& duration, const std::string& help);

Result<std::chrono::milliseconds> ParseDuration(const std::string& text);
// Also "250us".
CLI::Option* AddFineDuration(CLI::App& app, const std::string& flag, Duration& duration,
                             const std::string& help);

struct HostPort {
  std::string host;
  uint16_t port = 0;
};
Result<HostPort> ParseHostPort(const std::string& text);

// "--log-level debug|info|warning|error|off", applied when it is parsed.
void AddLogLevel(CLI::App& app);

// Gives every option of every subcommand its variable: --instance-memory is SARAI_INSTANCE_MEMORY.
void NameEnvironmentVariables(CLI::App& app);

}  // namespace sarai::cli
