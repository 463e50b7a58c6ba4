// The program that host tests start: `backend_host_test_main backend-host ARGUMENT…` is their host;
// `backend_host_test_main backend-host --own-a-host LIBRARY MODEL` is a process that owns one.

#include <unistd.h>

#include <cstdio>
#include <span>
#include <string>
#include <vector>

#include "backends/host/host_backend.h"
#include "backends/host/host_main.h"

namespace {

using namespace sarai::backends::host;

// Writes its host's pid to the first inherited descriptor and waits to be killed.
int OwnAHost(const std::string& self, const std::string& library, const std::string& artifact) {
  HostBackend backend({.backend = "test", .library = library, .host_executable = self});
  sarai::ModelSpec spec;
  spec.name = "test";
  spec.artifact = artifact;
  const auto model = backend.Load(spec);
  const int pid = model ? backend.process_ids().at(0) : 0;
  if (write(kFirstFd, &pid, sizeof(pid)) != sizeof(pid)) return 1;
  pause();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  if (words.size() == 5 && words[2] == "--own-a-host")
    return OwnAHost(words[0], words[3], words[4]);
  const auto arguments = ParseHostArguments(std::span(words).subspan(words.size() < 2 ? 0 : 2));
  if (arguments) return RunBackendHost(*arguments);
  std::fprintf(stderr, "%s\n", arguments.error().message().c_str());
  return 2;
}
