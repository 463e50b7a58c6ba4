// `sarai model quantize` and `sarai model convert`, added to `sarai model`: the runtimes' own tools
// are Python, so src/optimize, run by the user's interpreter, does the work.
#pragma once

#include "cli/subcommand.h"

namespace sarai::cli {

void AddModelOptimize(CLI::App& model, Run& run);

}  // namespace sarai::cli
