// The smallest instance that control can run, for tests: says where it listens, answers pings and
// the admin API, ends on SIGTERM. What it is asked to fail at comes in the environment. With
// --run-provider it is the parent of an instance instead.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/providers/process_provider.h"
#include "net/event_loops.h"
#include "net/server.h"

namespace {

using namespace sarai;

std::string FlagOf(int argc, char** argv, std::string_view flag) {
  for (int i = 1; i < argc; ++i)
    if (const std::string_view argument = argv[i]; argument.starts_with(flag))
      return std::string(argument.substr(flag.size()));
  return "";
}

std::string BodyOf(std::string_view target, const std::string& id) {
  if (target.starts_with("/sarai/v1/status"))
    return R"({"loaded_model_count":1,"cpu_percent":2,"lane_percent":3,"memory_percent":4,
               "disk_percent":5,"host_memory_percent":6})";
  if (target.starts_with("/sarai/v1/events")) return R"({"next":1,"events":[]})";
  if (target.starts_with("/sarai/v1/decisions"))
    return R"({"next":1,"decisions":[{"sequence":1,"at":"2100-01-01T00:00:00.000000Z",
               "kind":"load","model":"a","reason":"asked for","numbers":{}}]})";
  if (target == "/sarai/v1/explain?model=a") return R"({"model":"a","state":"ready"})";
  if (target == "/sarai/v1/explain?model=a&format=text") return "a on " + id + ": ready\n";
  return "";
}

http::Response Answer(const http::Request& request, const std::string& id) {
  http::Response response;
  const bool unknown = request.target.find("model=unknown") != std::string::npos;
  if (unknown) response.status = 404;
  response.body.push_back(Blob::FromString(unknown ? "{}" : BodyOf(request.target, id)));
  return response;
}

// Starts one instance, says its address and dies as a killed `sarai serve` would.
[[noreturn]] void RunProvider(const std::string& directory, const std::string& program) {
  control::LaunchOptions options{.executable = program, .environment = {{"PATH", "/usr/bin:/bin"}}};
  const auto provider = control::MakeProcessProvider(
      directory, options,
      {.on_address =
           [](const std::string&, const std::string& address) {
             std::printf("%s\n", address.c_str());
             std::fflush(stdout);
             kill(getpid(), SIGKILL);
           },
       .on_exit = [](const std::string&, const std::string&) { _exit(1); }});
  if (!provider) _exit(1);
  (*provider)->Start({.id = "a"});
  while (true) pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (const std::string directory = FlagOf(argc, argv, "--run-provider="); !directory.empty())
    RunProvider(directory, FlagOf(argc, argv, "--program="));
  if (std::getenv("TEST_INSTANCE_FAILS") != nullptr) {
    std::fprintf(stderr, "told to fail\n");
    return 3;
  }
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const std::string id = FlagOf(argc, argv, "--instance-id=");
  net::EventLoops loops(1);
  const auto server = net::HttpServer::Listen(
      loops, {}, [&id](const http::Request& request, http::Responder respond) {
        respond(Answer(request, id));
      });
  if (!server) return 1;
  std::printf("sarai: ready http=%s\n", (*server)->address().c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&signals, &signal);
  return 0;
}
