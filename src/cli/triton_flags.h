// Triton's command line: which of its flags mean something here, and what to say of the others.
// Names: server repository, src/command_line_parser.cc.
#pragma once

namespace CLI {
class App;
}

namespace sarai::cli {

// Adds the flags of Triton that tune what does not exist here (taken, without effect), and those
// that this program does not serve: giving one stops the start with a line that says why. Flags
// that work are added by the subcommand.
void AddUnservedTritonFlags(CLI::App& app);

}  // namespace sarai::cli
