// `sarai instance`: one model server in this process.
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/bytes.h"
#include "base/log.h"
#include "base/strings.h"
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

namespace sarai::cli {
namespace {

using instance::InstanceOptions;

struct Flags {
  InstanceOptions options;
  std::chrono::milliseconds wait_budget{55'000};
  std::chrono::milliseconds revalidate_interval{30'000};
  int exit_timeout_secs = 25;
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
  app.add_option("--model-repository,--model-store", options.model_repositories,
                 "Folder of models in Triton's layout; may be given several times")
      ->type_name("DIR");
  app.add_option("--source-url", options.source_url,
                 "s3://bucket/prefix/ or file:///dir/ below which TargetModel names an archive")
      ->type_name("URL");
  app.add_flag("--single-model", options.single_model,
               "--source-url is one archive, served at /invocations");
  app.add_option("--instance-id", options.instance_id, "What responses and logs call it")
      ->capture_default_str();
  app.add_option("--state-directory", options.state_directory,
                 "Where fetched models are kept; needed with --source-url")
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
  app.add_option("--http-address", options.http_address, "Address to listen on")
      ->capture_default_str();
  app.add_option("--http-port,--sagemaker-port", options.http_port, "0: the kernel picks one")
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
  app.add_option("--exit-timeout-secs", flags.exit_timeout_secs,
                 "Longest wait for requests in flight when stopping")
      ->capture_default_str();
}

void AddEngineFlags(CLI::App& app, Flags& flags) {
  InstanceOptions& options = flags.options;
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

// Triton's switches that say in other words what holds here anyway.
void AddTritonSynonyms(CLI::App& app) {
  const auto refuse_unless = [&app](const char* flag, const char* accepted, const char* why) {
    app.add_option_function<std::string>(
           flag,
           [flag, accepted = std::string(accepted), why](const std::string& value) {
             if (ToLower(value) != accepted) throw CLI::ValidationError(flag, why);
           })
        ->group("");
  };
  refuse_unless("--allow-sagemaker", "true",
                "the container contract is always served on the HTTP port");
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
  if (const Status status = ApplyTelemetryFlags(flags.telemetry, options); !status.ok()) {
    std::fprintf(stderr, "sarai: %s\n", status.message().c_str());
    return 2;
  }
  const RealClock clock;
  auto started = instance::Instance::Start(options, clock);
  if (!started) {
    std::fprintf(stderr, "sarai: %s\n", started.error().message().c_str());
    return 1;
  }
  instance::Instance& server = **started;
  std::string ready = "sarai: ready http=" + server.http_address();
  if (options.serve_grpc) ready += " grpc=" + server.grpc_address();
  if (options.serve_metrics) ready += " metrics=" + server.metrics_address();
  std::printf("%s\n", ready.c_str());
  std::fflush(stdout);
  const int signal = WaitForStop();
  LogInfo("cli", "signal {}: draining", signal);
  server.Drain();
  return 0;
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
  AddConfigurationFlags(*command, flags->options);
  AddTritonSynonyms(*command);
  AddUnservedTritonFlags(*command);
  AddLogLevel(*command);
  command->callback([flags, &run] { run = [flags] { return RunInstance(*flags); }; });
}

}  // namespace sarai::cli
