// `sarai`: one program, one configuration style. Every flag is also a SARAI_… variable, and a line
// of a --config FILE (TOML or INI, one section per subcommand). Flags win over variables, variables
// over the file.
#include <cstdio>
#include <exception>
#include <string>

#include <CLI/CLI.hpp>

#include "cli/environment.h"
#include "cli/options.h"
#include "cli/subcommand.h"

int main(int argc, char** argv) {
  using namespace sarai;
  CLI::App app{"Sarai serves thousands of models behind one endpoint.", "sarai"};
  app.set_version_flag("--version", "sarai " SARAI_VERSION);
  app.set_config("--config", "", "Read options from a TOML or INI file");
  app.require_subcommand(1);
  app.fallthrough();

  const store::Environment environment = cli::ReadEnvironment();
  cli::Run run;
  cli::AddServe(app, environment, run);
  cli::AddInstance(app, environment, run);
  cli::AddModel(app, run);
  cli::AddExplain(app, run);
  cli::AddBench(app, environment, run);
  cli::AddBackendHost(app, run);
  cli::NameEnvironmentVariables(app);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  try {
    return run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sarai: %s\n", error.what());
    return 1;
  }
}
