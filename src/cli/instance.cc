// `sarai instance`: one model server in this process.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/bytes.h"
#include "base/log.h"
#include "base/strings.h"
#include "cli/control_flags.h"
#include "cli/environment.h"
#include "cli/grpc_flags.h"
#include "cli/heap.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "cli/store_flags.h"
#include "cli/subcommand.h"
#include "cli/telemetry_flags.h"
#include "cli/tls_flags.h"
#include "cli/triton_flags.h"
#include "instance/instance.h"
#include "store/repository_url.h"

namespace sarai::cli {
namespace {

using instance::InstanceOptions;

constexpr uint16_t kHttpPort = 8000, kMetricsPort = 8002;  // Triton's

struct Flags {
  InstanceOptions options;
  std::chrono::milliseconds wait_budget{55'000};
  std::chrono::milliseconds revalidate_interval{30'000};
  int exit_timeout_secs = 25;
  ControlFlags control;
  GrpcFlags grpc;
  TelemetryFlags telemetry;
};

// "onnxruntime,intra_op_thread_count=2"; an empty name means the server itself, as in Triton.
void ParseBackendConfig(const std::string& text, InstanceOptions& options) {
  const size_t comma = text.find(',');
  const size_t equals = text.find('=', comma == std::string::npos ? 0 : comma);
  if (comma == std::string::npos || equals == std::string::npos)
    throw CLI::ValidationError("--backend-config", "'" + text + "' is not NAME,key=value");
  const std::string key = text.substr(comma + 1, equals - comma - 1);
  if (comma > 0) {
    options.backend_settings[text.substr(0, comma)][key] = text.substr(equals + 1);
    return;
  }
  constexpr int64_t kMaxBatchSize = 1 << 20;
  const auto size = ParseInt(text.substr(equals + 1));
  if (key != "default-max-batch-size" || !size || *size < 0 || *size > kMaxBatchSize)
    throw CLI::ValidationError("--backend-config",
                               "'" + text + "': of all backends, only default-max-batch-size=N");
  options.default_max_batch_size = static_cast<int>(*size);
}

// "local,size=1048576"
void ParseCacheConfig(const std::string& text, InstanceOptions& options) {
  constexpr std::string_view kSize = "local,size=";
  const auto size = text.starts_with(kSize) ? ParseInt(text.substr(kSize.size())) : std::nullopt;
  if (!size || *size < 0)
    throw CLI::ValidationError("--cache-config", "'" + text + "' is not local,size=BYTES");
  options.response_cache_bytes = static_cast<uint64_t>(*size);
}

// "memory:4" or "memory:4:0"
void ParseResource(const std::string& text, InstanceOptions& options) {
  const std::vector<std::string_view> parts = Split(text, ':');
  constexpr int64_t kNone = -2;
  const int64_t count = parts.size() > 1 ? ParseInt(parts[1]).value_or(kNone) : kNone;
  const int64_t device = parts.size() > 2 ? ParseInt(parts[2]).value_or(kNone) : -1;
  const bool named = !parts[0].empty() && parts.size() <= 3;
  if (!named || count < 0 || count > INT32_MAX || device < -1 || device > INT16_MAX)
    throw CLI::ValidationError("--rate-limit-resource",
                               "'" + text + "' is not NAME:COUNT[:DEVICE]");
  options.rate_limit_resources[std::string(parts[0])][static_cast<int>(device)] =
      static_cast<uint32_t>(count);
}

void AddConfigurationFlags(CLI::App& app, InstanceOptions& options) {
  app.add_option("--model-config-name", options.model_config_name,
                 "Read configs/NAME.pbtxt instead of config.pbtxt where a model has it")
      ->type_name("NAME");
  app.add_flag_callback(
      "--disable-auto-complete-config", [&options] { options.auto_complete_config = false; },
      "Read configurations as they are, without completing them from the model");
  app.add_option_function<bool>(
         "--strict-model-config",
         [&options](bool strict) { options.auto_complete_config = !strict; },
         "Triton's older word for --disable-auto-complete-config")
      ->group("");
}

void AddServingFlags(CLI::App& app, Flags& flags) {
  InstanceOptions& options = flags.options;
  app.add_option(
         "--model-repository,--model-store", options.model_repositories,
         "Folder of models in Triton's layout, or s3://[HOST:PORT/]BUCKET/PREFIX; may be given "
         "several times")
      ->allow_extra_args(false)
      ->type_name("DIR|URL");
  app.add_option("--source-url", options.source_url,
                 "s3://bucket/prefix/ or file:///dir/ below which TargetModel names an archive")
      ->type_name("URL");
  app.add_flag("--single-model", options.single_model,
               "--source-url is one archive, served at /invocations");
  app.add_option("--id", options.server_name, "The server's name in its metadata")
      ->capture_default_str();
  app.add_option("--instance-id", options.instance_id, "What responses and logs call it")
      ->capture_default_str();
  app.add_option("--state-directory", options.state_directory,
                 "Where fetched models are kept; needed with --source-url. Without it, what "
                 "s3:// repositories hold is fetched to a temporary folder")
      ->type_name("DIR");
  AddBytes(app, "--instance-memory", options.memory_budget_bytes,
           "Most private bytes that models may hold, backend hosts included (default: unbounded)");
  AddBytes(app, "--instance-disk", options.disk_budget_bytes,
           "Most bytes of unpacked models on disk (default: unbounded)");
  AddDuration(app, "--wait-budget", flags.wait_budget,
              "How long a request waits for its model before 429 (default: 55s)");
  AddDuration(app, "--revalidate-interval", flags.revalidate_interval,
              "Least time between checks for a new version of a model (default: 30s)");
  AddStoreFlags(app, options.s3);
}

void AddServerFlags(CLI::App& app, Flags& flags) {
  InstanceOptions& options = flags.options;
  options.http_port = kHttpPort;
  options.metrics_port = kMetricsPort;
  app.add_option("--allow-http", options.serve_http, "Serve HTTP")->capture_default_str();
  app.add_option("--http-address", options.http_address, "Address to listen on")
      ->capture_default_str();
  app.add_option("--http-port,--sagemaker-port", options.http_port, "0: the kernel picks one")
      ->capture_default_str();
  app.add_option("--reuse-http-port", options.http_reuse_port,
                 "Share the port with other processes")
      ->capture_default_str();
  app.add_option("--http-thread-count", options.http_threads, "0: one per core, at most 4")
      ->capture_default_str();
  AddHttpTlsFlags(app, options.http_tls);
  AddBytes(app, "--http-max-input-size", options.max_json_bytes,
           "Most bytes of an inference's JSON part (default: 64MiB)");
  app.add_option("--http-restricted-api", options.http_restrictions,
                 "CATEGORY[,CATEGORY]:KEY=VALUE: asks for a header KEY; may be given several times")
      ->type_name("RULE");
  app.add_option("--http-header-forward-pattern", options.http_header_pattern,
                 "Headers whose names match become parameters of the inference")
      ->type_name("REGEX");
  app.add_option("--metrics-address", options.metrics_address, "Address of /metrics")
      ->capture_default_str();
  app.add_option("--metrics-port", options.metrics_port, "0: the kernel picks one")
      ->capture_default_str();
  app.add_option("--allow-metrics", options.serve_metrics, "Serve /metrics on a port of its own")
      ->capture_default_str();
  app.add_option("--allow-client-shm", options.allow_client_shared_memory,
                 "Clients may register shared memory of this machine")
      ->capture_default_str();
  app.add_option("--exit-timeout-secs", flags.exit_timeout_secs,
                 "Longest wait for requests in flight when stopping")
      ->capture_default_str();
}

void AddRateLimitFlags(CLI::App& app, InstanceOptions& options) {
  app.add_option_function<std::string>(
         "--rate-limit",
         [&options](const std::string& value) { options.rate_limit = value == "execution_count"; },
         "execution_count: runs start only while the resources that their instance groups name are "
         "free")
      ->check(CLI::IsMember({"off", "execution_count"}))
      ->default_str("off");
  app.add_option_function<std::vector<std::string>>(
         "--rate-limit-resource",
         [&options](const std::vector<std::string>& values) {
           for (const std::string& value : values) ParseResource(value, options);
         },
         "NAME:COUNT[:DEVICE]: how much there is of one; may be given several times")
      ->allow_extra_args(false)
      ->type_name("RESOURCE");
}

void AddEngineFlags(CLI::App& app, Flags& flags) {
  InstanceOptions& options = flags.options;
  AddRateLimitFlags(app, options);
  app.add_option("--lanes", options.lanes, "Threads that run models; 0: one per core")
      ->capture_default_str();
  app.add_option("--model-load-thread-count", options.loader_threads, "Models loaded at once")
      ->capture_default_str();
  app.add_option("--intra-op-threads", options.intra_op_threads,
                 "Threads of a backend's shared pool; 0: one per core")
      ->capture_default_str();
  app.add_option("--backend-directory", options.backend_directory, "Holds libsarai_*.so")
      ->type_name("DIR");
  app.add_option_function<std::vector<std::string>>(
         "--backend-config",
         [&options](const std::vector<std::string>& values) {
           for (const std::string& value : values) ParseBackendConfig(value, options);
         },
         "NAME,key=value: a setting of one backend; may be given several times")
      ->type_name("SETTING");
  app.add_option_function<std::string>(
         "--cache-config",
         [&options](const std::string& value) { ParseCacheConfig(value, options); },
         "local,size=BYTES: answers kept for models with response_cache")
      ->type_name("SETTING");
  app.add_option("--response-cache-byte-size", options.response_cache_bytes,
                 "The same in Triton's older words")
      ->group("");
  app.add_option("--decision-log", options.decision_file, "Also append decisions here, as JSON")
      ->type_name("FILE");
}

void PrintReady(const InstanceOptions& options, const instance::Instance& server) {
  std::string ready = "sarai: ready";
  if (options.serve_http) ready += " http=" + server.http_address();
  if (options.serve_grpc) ready += " grpc=" + server.grpc_address();
  if (options.serve_metrics) ready += " metrics=" + server.metrics_address();
  std::printf("%s\n", ready.c_str());
  std::fflush(stdout);
}

// Where remote repositories are fetched to when nothing else is said: goes with this.
class TemporaryState {
 public:
  explicit TemporaryState(InstanceOptions& options) {
    const bool remote = std::ranges::any_of(options.model_repositories, [](const auto& url) {
      const auto parsed = store::ParseRepositoryUrl(url);
      return parsed && parsed->remote;
    });
    if (!remote || !options.state_directory.empty()) return;
    std::error_code error;
    std::string folder = std::filesystem::temp_directory_path(error) / "sarai-state-XXXXXX";
    if (error || mkdtemp(folder.data()) == nullptr) return;  // then the option is asked for
    options.state_directory = folder_ = std::move(folder);
  }
  ~TemporaryState() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }
  TemporaryState(const TemporaryState&) = delete;

 private:
  std::string folder_;
};

// Ready is said when what is loaded from the start is loaded.
int Serve(const InstanceOptions& options, bool exit_on_error) {
  const RealClock clock;
  std::promise<Status> told;  // before the nudge
  std::future<Status> telling = told.get_future();
  Status loaded;
  auto started = instance::Instance::Start(options, clock, [&told](Status status) {
    told.set_value(std::move(status));
    Nudge();
  });
  if (!started) {
    std::fprintf(stderr, "sarai: %s\n", started.error().message().c_str());
    return 1;
  }
  instance::Instance& server = **started;
  const int signal = WaitForStop([&] {
    if (!telling.valid() || telling.wait_for(std::chrono::seconds(0)) != std::future_status::ready)
      return true;
    loaded = telling.get();
    if (!loaded.ok()) LogError("cli", "{}", loaded.message());
    if (!loaded.ok() && exit_on_error) return false;
    PrintReady(options, server);
    return true;
  });
  if (signal > 0) LogInfo("cli", "signal {}: draining", signal);
  server.Drain();
  if (signal > 0) return 0;
  std::fprintf(stderr, "sarai: %s\n", loaded.message().c_str());
  return 1;
}

int RunInstance(Flags& flags) {
  UseOneHeap();
  BlockSignals();
  InstanceOptions& options = flags.options;
  options.wait_budget = flags.wait_budget;
  options.revalidate_interval = flags.revalidate_interval;
  options.drain_patience = std::chrono::seconds(flags.exit_timeout_secs);
  options.host_executable = ExecutablePath();
  ApplyStoreEnvironment(options.environment, options.s3);
  const TemporaryState state(options);
  if (options.backend_directory.empty()) options.backend_directory = DefaultBackendDirectory();
  if (options.model_repositories.empty() && options.source_url.empty()) {
    std::fprintf(stderr, "sarai: give --model-repository DIR or --source-url URL\n");
    return 2;
  }
  if (const Status status = ApplyGrpcFlags(flags.grpc); !status.ok()) {
    std::fprintf(stderr, "sarai: %s\n", status.message().c_str());
    return 2;
  }
  options.serve_grpc = flags.grpc.allow;
  options.grpc = flags.grpc.server;
  options.grpc_restrictions = flags.grpc.restrictions;
  options.grpc_header_pattern = flags.grpc.header_pattern;
  if (!options.serve_http && !options.serve_grpc) {
    std::fprintf(stderr, "sarai: --allow-http and --allow-grpc are both false\n");
    return 2;
  }
  if (const Status status = ApplyTelemetryFlags(flags.telemetry, options); !status.ok()) {
    std::fprintf(stderr, "sarai: %s\n", status.message().c_str());
    return 2;
  }
  if (const Status status = ApplyControlFlags(flags.control, options); !status.ok()) {
    std::fprintf(stderr, "sarai: %s\n", status.message().c_str());
    return 2;
  }
  return Serve(options, flags.control.exit_on_error);
}

}  // namespace

void AddInstance(CLI::App& app, const store::Environment& environment, Run& run) {
  CLI::App* const command = app.add_subcommand(
      "instance", "One model server: KServe v2 over HTTP and gRPC, and the MME container contract");
  auto flags = std::make_shared<Flags>();
  flags->options.environment = environment;
  AddServingFlags(*command, *flags);
  AddServerFlags(*command, *flags);
  AddGrpcFlags(*command, flags->grpc);
  AddTelemetryFlags(*command, flags->telemetry, flags->options);
  AddEngineFlags(*command, *flags);
  AddControlFlags(*command, flags->control, flags->options);
  AddConfigurationFlags(*command, flags->options);
  AddUnservedTritonFlags(*command);
  AddLogLevel(*command);
  command->callback([flags, &run] { run = [flags] { return RunInstance(*flags); }; });
}

}  // namespace sarai::cli
