// The program that host tests start as their host: `backend_host_test_main backend-host …`.

#include <cstdio>
#include <string>
#include <vector>

#include "backends/host/host_main.h"

int main(int argc, char** argv) {
  using namespace sarai::backends::host;
  const std::vector<std::string> words(argv + 1, argv + argc);
  const auto arguments = ParseHostArguments(std::span(words).subspan(words.empty() ? 0 : 1));
  if (arguments) return RunBackendHost(*arguments);
  std::fprintf(stderr, "%s\n", arguments.error().message().c_str());
  return 2;
}
