// `sarai serve`: one machine, everything. The AWS APIs in front, gateway and control in this
// process, instances as its children.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/bytes.h"
#include "base/executor.h"
#include "base/log.h"
#include "cli/environment.h"
#include "cli/grpc_flags.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/store_flags.h"
#include "cli/subcommand.h"
#include "cli/tls_flags.h"
#include "control/control.h"
#include "gateway/gateway.h"
#include "net/event_loops.h"
#include "net/grpc/server.h"
#include "net/server.h"
#include "net/transport.h"
#include "telemetry/metrics.h"

namespace sarai::cli {
namespace {

struct Flags {
  std::string listen = "127.0.0.1:8080";
  net::TlsOptions tls;
  std::string state;
  uint64_t instance_memory = 0;
  uint64_t instance_disk = 0;
  store::S3Options s3;
  std::chrono::milliseconds wait_budget{55'000};
  std::chrono::milliseconds revalidate_interval{30'000};
  std::chrono::milliseconds metric_interval{10'000};
  uint64_t max_body_bytes = 6'291'456;
  int threads = 0;
  std::vector<std::string> instance_flags;
  GrpcFlags grpc;
  std::vector<std::string> http_restrictions;
  std::string http_header_pattern;
  kserve::RestrictedApis http_apis, grpc_apis;  // the rules, parsed
  store::Environment environment;
};

// Request ids (version 4 UUIDs) and the numbers that pick a variant.
class Randomness {
 public:
  double Uniform() {
    std::lock_guard lock(mu_);
    return std::uniform_real_distribution<double>(0, 1)(engine_);
  }
  std::string Uuid() {
    uint64_t high = 0, low = 0;
    {
      std::lock_guard lock(mu_);
      high = engine_();
      low = engine_();
    }
    high = (high & ~0xf000ull) | 0x4000ull;
    low = (low & ~(3ull << 62)) | (2ull << 62);
    return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                       high & 0xffff, low >> 48, low & 0xffffffffffff);
  }

 private:
  std::mutex mu_;
  std::mt19937_64 engine_{std::random_device{}()};  // guarded by mu_
};

std::string DefaultState(const store::Environment& environment) {
  const auto variable = [&environment](const char* name) {
    const auto it = environment.find(name);
    return it == environment.end() ? std::string() : it->second;
  };
  const std::string data = variable("XDG_DATA_HOME");
  return data.empty() ? variable("HOME") + "/.local/share/sarai" : data + "/sarai";
}

std::vector<std::string> InstanceFlags(const Flags& flags) {
  constexpr std::string_view kStyles[] = {"auto", "path", "virtual"};
  std::vector<std::string> result = {
      fmt::format("--wait-budget={}ms", flags.wait_budget.count()),
      fmt::format("--revalidate-interval={}ms", flags.revalidate_interval.count()),
      fmt::format("--s3-addressing={}", kStyles[static_cast<size_t>(flags.s3.addressing)])};
  if (!flags.s3.endpoint.empty()) result.push_back("--s3-endpoint=" + flags.s3.endpoint);
  if (!flags.s3.region.empty()) result.push_back("--s3-region=" + flags.s3.region);
  if (!flags.http_header_pattern.empty())
    result.push_back("--http-header-forward-pattern=" + flags.http_header_pattern);
  if (!flags.grpc.header_pattern.empty())
    result.push_back("--grpc-header-forward-pattern=" + flags.grpc.header_pattern);
  result.insert(result.end(), flags.instance_flags.begin(), flags.instance_flags.end());
  return result;
}

control::ControlOptions MakeControlOptions(const Flags& flags) {
  control::ControlOptions options;
  options.state_directory = flags.state;
  if (flags.instance_memory > 0) options.instance_memory_bytes = flags.instance_memory;
  if (flags.instance_disk > 0) options.instance_disk_bytes = flags.instance_disk;
  options.launch.executable = ExecutablePath();
  options.launch.flags = InstanceFlags(flags);
  options.launch.environment = flags.environment;
  options.metrics.sample_interval = flags.metric_interval;
  return options;
}

http::Response TextResponse(std::string content_type, std::string text) {
  http::Response response;
  response.headers.Set("Content-Type", std::move(content_type));
  response.body.push_back(Blob::FromString(std::move(text)));
  return response;
}

// The parts of the process, in the order in which they are made; they end in the opposite one.
class Server {
 public:
  explicit Server(Flags flags)
      : flags_(std::move(flags)),
        loops_(flags_.threads > 0 ? flags_.threads
                                  : static_cast<int>(std::min(
                                        4u, std::max(1u, std::thread::hardware_concurrency())))),
        transport_(net::MakeHttpTransport(loops_)),
        control_(MakeControlOptions(flags_), *transport_, clock_,
                 [this] { return random_.Uuid(); }),
        gateway_(
            MakeGatewayOptions(), *transport_, timers_, clock_, registry_, control_.sink(),
            [this] { return random_.Uniform(); }, [this] { return random_.Uuid(); }) {}

  Status Start() {
    const auto listen = ParseHostPort(flags_.listen);
    if (!listen) return listen.error();
    control_.OnFleet([this](FleetViewPtr fleet) { gateway_.Publish(std::move(fleet)); });
    if (Status status = control_.Start(); !status.ok()) return status;
    auto server = net::HttpServer::Listen(
        loops_, {.address = listen->host, .port = listen->port, .tls = flags_.tls},
        [this](http::Request request, http::Responder respond) {
          Handle(std::move(request), std::move(respond));
        });
    if (!server) return server.error();
    server_ = std::move(*server);
    return ListenForGrpc();
  }

  std::string url() const {
    return (flags_.tls.enabled() ? "https://" : "http://") + server_->address();
  }
  // Empty: gRPC is not served.
  std::string grpc_address() const { return grpc_server_ ? grpc_server_->address() : ""; }

  void Stop() {
    gateway_.BeginDrain();
    std::thread grpc([this] {
      if (grpc_server_) grpc_server_->Drain(kDrainPatience);
    });
    server_->Drain(kDrainPatience);
    grpc.join();
    gateway_.Stop();
    control_.Stop();
  }

 private:
  static constexpr std::chrono::seconds kDrainPatience{25};

  Status ListenForGrpc() {
    if (!flags_.grpc.allow) return {};
    SARAI_TRY(grpc_server_,
              net::GrpcServer::Listen(flags_.grpc.server, [this](net::GrpcCallPtr call) {
                gateway_.HandleGrpc(std::move(call));
              }));
    return {};
  }

  gateway::GatewayOptions MakeGatewayOptions() const {
    gateway::GatewayOptions options;
    options.kserve.http_restrictions = flags_.http_apis;
    options.kserve.grpc_restrictions = flags_.grpc_apis;
    options.kserve.max_message_bytes = flags_.grpc.server.max_message_bytes;
    options.max_body_bytes = flags_.max_body_bytes;
    // The instance ends a wait itself, with a clearer error than a timeout here.
    options.invoke_timeout = std::max<std::chrono::milliseconds>(
        options.invoke_timeout, flags_.wait_budget + std::chrono::seconds(5));
    return options;
  }

  void Handle(http::Request request, http::Responder respond) {
    if (gateway::Gateway::Owns(request))
      return gateway_.Handle(std::move(request), std::move(respond));
    if (request.method == "GET" && request.target == "/ping")
      return respond(TextResponse("text/plain", ""));
    if (request.method == "GET" && request.target == "/metrics")
      return respond(TextResponse(telemetry::kOpenMetricsContentType,
                                  control_.OpenMetrics() + registry_.Render()));
    control_.Handle(std::move(request), std::move(respond));
  }

  const Flags flags_;
  const RealClock clock_;
  Randomness random_;
  telemetry::Registry registry_;
  ThreadPool timers_{"timers", 1};
  net::EventLoops loops_;
  std::unique_ptr<net::Transport> transport_;
  control::Control control_;
  gateway::Gateway gateway_;
  std::unique_ptr<net::HttpServer> server_;
  std::unique_ptr<net::GrpcServer> grpc_server_;
};

// What of the flags can be wrong together or one by one.
Status Complete(Flags& flags) {
  SARAI_CHECK_OK(ApplyGrpcFlags(flags.grpc));
  SARAI_TRY(flags.http_apis, kserve::RestrictedApis::Parse(flags.http_restrictions));
  SARAI_TRY(flags.grpc_apis, kserve::RestrictedApis::Parse(flags.grpc.restrictions));
  return {};
}

int RunServe(Flags flags) {
  BlockSignals();
  ApplyStoreEnvironment(flags.environment, flags.s3);
  if (flags.state.empty()) flags.state = DefaultState(flags.environment);
  if (const Status status = Complete(flags); !status.ok()) {
    std::fprintf(stderr, "sarai: %s\n", status.message().c_str());
    return 2;
  }
  flags.state = std::filesystem::absolute(flags.state).string();
  Server server(std::move(flags));
  if (const Status status = server.Start(); !status.ok()) {
    std::fprintf(stderr, "sarai: %s\n", status.message().c_str());
    return 1;
  }
  const std::string grpc = server.grpc_address();
  std::printf("sarai: ready on %s%s\n", server.url().c_str(),
              grpc.empty() ? "" : (" grpc=" + grpc).c_str());
  std::fflush(stdout);
  LogInfo("cli", "signal {}: stopping", WaitForStop());
  server.Stop();
  return 0;
}

}  // namespace

void AddServe(CLI::App& app, const store::Environment& environment, Run& run) {
  CLI::App* const command =
      app.add_subcommand("serve", "AWS's multi-model endpoints on this machine");
  auto flags = std::make_shared<Flags>();
  flags->environment = environment;
  command->add_option("--listen", flags->listen, "HOST:PORT; port 0: the kernel picks one")
      ->capture_default_str();
  AddHttpTlsFlags(*command, flags->tls);
  command->add_option("--state", flags->state, "Folder of everything that outlives the process")
      ->type_name("DIR");
  AddBytes(*command, "--instance-memory", flags->instance_memory,
           "Memory budget of each instance, whatever its type");
  AddBytes(*command, "--instance-disk", flags->instance_disk,
           "Disk budget of each instance, whatever its type");
  AddStoreFlags(*command, flags->s3);
  AddDuration(*command, "--wait-budget", flags->wait_budget,
              "How long a request waits for its model before 429 (default: 55s)");
  AddDuration(*command, "--revalidate-interval", flags->revalidate_interval,
              "Least time between checks for a new version of a model (default: 30s)");
  AddDuration(*command, "--metric-interval", flags->metric_interval,
              "Between samples of the instances' gauges (default: 10s)");
  AddGrpcFlags(*command, flags->grpc);
  command
      ->add_option(
          "--http-restricted-api", flags->http_restrictions,
          "CATEGORY[,CATEGORY]:KEY=VALUE: KServe over HTTP asks for the header KEY; may be "
          "given several times")
      ->type_name("RULE");
  command
      ->add_option("--http-header-forward-pattern", flags->http_header_pattern,
                   "Headers whose names match become parameters of the inference (KServe)")
      ->type_name("REGEX");
  AddBytes(*command, "--max-body", flags->max_body_bytes,
           "Largest body of InvokeEndpoint (default: 6291456)");
  command->add_option("--threads", flags->threads, "Event loops; 0: one per core, at most 4")
      ->capture_default_str();
  command
      ->add_option("--instance-flag", flags->instance_flags,
                   "Given to every instance as it is; may be given several times")
      ->type_name("FLAG");
  AddLogLevel(*command);
  command->callback([flags, &run] { run = [flags] { return RunServe(*flags); }; });
}

}  // namespace sarai::cli
