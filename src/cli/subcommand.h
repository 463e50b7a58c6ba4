// The subcommands. Each adds itself to the command line and, when chosen, runs and returns the
// process's exit code. One short file each.
#pragma once

#include <functional>

#include "store/open_store.h"

namespace CLI {
class App;
}

namespace sarai::cli {

// Set by the chosen subcommand while the command line is parsed; run by main after it.
using Run = std::function<int()>;

void AddServe(CLI::App& app, const store::Environment& environment, Run& run);
void AddInstance(CLI::App& app, const store::Environment& environment, Run& run);
void AddModel(CLI::App& app, Run& run);
void AddExplain(CLI::App& app, Run& run);
void AddBench(CLI::App& app, const store::Environment& environment, Run& run);
void AddBackendHost(CLI::App& app, Run& run);

}  // namespace sarai::cli
