// `sarai backend-host`: the process in which an isolated framework lives. Started by instances
// only, which give it its channels as inherited descriptors.
#include <cstdio>
#include <memory>

#include <CLI/CLI.hpp>

#include "backends/host/host_arguments.h"
#include "backends/host/host_main.h"
#include "cli/heap.h"
#include "cli/subcommand.h"

namespace sarai::cli {
namespace {

int RunHost(const CLI::App& command) {
  UseOneHeap();
  const auto arguments = backends::host::ParseHostArguments(command.remaining());
  if (arguments) return backends::host::RunBackendHost(*arguments);
  std::fprintf(stderr, "sarai: backend-host: %s\n", arguments.error().message().c_str());
  return 2;
}

}  // namespace

void AddBackendHost(CLI::App& app, Run& run) {
  CLI::App* const command = app.add_subcommand("backend-host", "Started by instances");
  command->group("");  // not for people
  command->allow_extras();
  command->fallthrough(false);
  command->callback([command, &run] { run = [command] { return RunHost(*command); }; });
}

}  // namespace sarai::cli
