#include "cli/model_optimize.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "cli/environment.h"

namespace sarai::cli {
namespace {

// Becomes the interpreter: signals, output and exit code are its own.
int Become(const std::string& python, std::vector<std::string> arguments) {
  const auto script =
      std::filesystem::path(DefaultBackendDirectory()).parent_path() / "optimize" / "main.py";
  std::vector<std::string> line = {python, "-B", script.string()};
  line.insert(line.end(), std::make_move_iterator(arguments.begin()),
              std::make_move_iterator(arguments.end()));
  std::vector<char*> pointers;
  for (std::string& word : line) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  execvp(python.c_str(), pointers.data());
  std::fprintf(stderr, "sarai: cannot run '%s': %s; name an interpreter with --python\n",
               python.c_str(), std::strerror(errno));
  return 1;
}

void AddTool(CLI::App& model, const char* name, const char* help, Run& run) {
  CLI::App* const tool = model.add_subcommand(name, help);
  tool->allow_extras()->fallthrough(false);
  tool->set_help_flag();  // the tool's own
  auto python = std::make_shared<std::string>("python3");
  tool->add_option("--python", *python, "Interpreter that has the runtime's Python packages")
      ->capture_default_str();
  tool->callback([tool, name = std::string(name), python, &run] {
    run = [tool, name, python] {
      std::vector<std::string> arguments = tool->remaining();
      arguments.insert(arguments.begin(), name);
      return Become(*python, std::move(arguments));
    };
  });
}

}  // namespace

void AddModelOptimize(CLI::App& model, Run& run) {
  AddTool(model, "quantize", "A model of fewer bits (int8, fp16), compared with the original", run);
  AddTool(model, "convert", "A model in another framework's format, compared with the original",
          run);
}

}  // namespace sarai::cli
