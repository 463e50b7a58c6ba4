// `sarai model tune`, added to `sarai model`.
#pragma once

#include "cli/subcommand.h"

namespace sarai::cli {

void AddModelTune(CLI::App& model, Run& run);

}  // namespace sarai::cli
