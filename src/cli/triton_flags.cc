#include "cli/triton_flags.h"

#include <array>
#include <string>

#include <CLI/CLI.hpp>

namespace sarai::cli {
namespace {

struct UnservedFlag {
  const char* name;
  const char* why;
};

constexpr char kNoTrace[] = "tracing is not served by this version";
constexpr char kNoGpu[] = "GPUs are not served by this version";
constexpr char kOnDemand[] =
    "models are loaded on demand and evicted by worth; this control is not served by this version";

constexpr std::array<UnservedFlag, 46> kUnserved = {{
    {"id", "the server's name is fixed"},
    {"exit-on-error", kOnDemand},
    {"strict-readiness", kOnDemand},
    {"disable-auto-complete-config", "configurations are always completed from the model"},
    {"strict-model-config", "configurations are always completed from the model"},
    {"model-control-mode", kOnDemand},
    {"repository-poll-secs", kOnDemand},
    {"load-model", kOnDemand},
    {"model-config-name", "only config.pbtxt is read"},
    {"model-load-retry-count", "a failed load is tried again by the next request"},
    {"model-namespacing", "model names must be unique over the repositories"},
    {"enable-peer-access", kNoGpu},
    {"allow-http", "HTTP is always served"},
    {"reuse-http-port", "a port is served by one process"},
    {"http-header-forward-pattern", "header forwarding is not served by this version"},
    {"http-restricted-api", "restricted APIs are not served by this version"},
    {"sagemaker-safe-port-range", "the container contract answers on the HTTP port"},
    {"sagemaker-thread-count", "the container contract answers on the HTTP port"},
    {"allow-vertex-ai", "Vertex AI's front end is not served"},
    {"vertex-ai-port", "Vertex AI's front end is not served"},
    {"vertex-ai-thread-count", "Vertex AI's front end is not served"},
    {"vertex-ai-default-model", "Vertex AI's front end is not served"},
    {"log-format", "log lines have one format"},
    {"log-file", "logs go to standard error; redirect it"},
    {"allow-gpu-metrics", kNoGpu},
    {"allow-cpu-metrics", "CPU metrics are always served"},
    {"metrics-interval-ms", "metrics are read when they are asked for"},
    {"metrics-config", "metrics have one form in this version"},
    {"trace-config", kNoTrace},
    {"trace-file", kNoTrace},
    {"trace-level", kNoTrace},
    {"trace-rate", kNoTrace},
    {"trace-count", kNoTrace},
    {"trace-log-frequency", kNoTrace},
    {"cache-directory", "there is one cache, local; use --cache-config local,size=BYTES"},
    {"rate-limit", "the rate limiter is not served by this version"},
    {"rate-limit-resource", "the rate limiter is not served by this version"},
    {"pinned-memory-pool-byte-size", kNoGpu},
    {"cuda-memory-pool-byte-size", kNoGpu},
    {"min-supported-compute-capability", kNoGpu},
    {"model-load-gpu-limit", kNoGpu},
    {"allow-client-shm", "shared-memory requests are not served by this version"},
    {"repoagent-directory", "repository agents are not served"},
    {"cuda-virtual-address-size", kNoGpu},
    {"buffer-manager-thread-count", "tensors are gathered on the lanes"},
    {"host-policy", "host policies are not served by this version"},
}};

void AddUnserved(CLI::App& app, const UnservedFlag& flag) {
  const std::string name = std::string("--") + flag.name;
  app.add_option_function<std::vector<std::string>>(
         name,
         [name, why = std::string(flag.why)](const std::vector<std::string>&) {
           throw CLI::ValidationError(name, why);
         },
         flag.why)
      ->expected(0, 1)
      ->group("");  // kept out of --help
}

}  // namespace

void AddUnservedTritonFlags(CLI::App& app) {
  for (const UnservedFlag& flag : kUnserved) AddUnserved(app, flag);
}

}  // namespace sarai::cli
