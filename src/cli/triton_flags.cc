#include "cli/triton_flags.h"

#include <array>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/log.h"

namespace sarai::cli {
namespace {

struct Flag {
  const char* name;
  const char* why;
};

constexpr char kNoVertex[] = "Vertex AI's front end is not served";
constexpr char kOnDemand[] =
    "models are loaded on demand and evicted by worth; this control is not served by this version";

// What would change answers, safety or what is served: refused, so that nobody believes it holds.
constexpr std::array<Flag, 16> kUnserved = {{
    {"id", "the server's name is fixed"},
    {"exit-on-error", kOnDemand},
    {"strict-readiness", kOnDemand},
    {"model-control-mode", kOnDemand},
    {"repository-poll-secs", kOnDemand},
    {"load-model", kOnDemand},
    {"model-namespacing", "model names must be unique over the repositories"},
    {"allow-http", "HTTP is always served"},
    {"allow-vertex-ai", kNoVertex},
    {"vertex-ai-port", kNoVertex},
    {"vertex-ai-thread-count", kNoVertex},
    {"vertex-ai-default-model", kNoVertex},
    {"rate-limit", "the rate limiter is not served by this version"},
    {"rate-limit-resource", "the rate limiter is not served by this version"},
    {"allow-client-shm", "shared-memory requests are not served by this version"},
    {"repoagent-directory", "repository agents are not served"},
}};

// Tuning of parts that do not exist here; docs/triton-flags.md says of each what stands for it.
constexpr std::array<Flag, 14> kWithoutEffect = {{
    {"model-load-retry-count", "a failed load is tried again by the next request"},
    {"enable-peer-access", "no GPU's memory is copied to another's"},
    {"reuse-http-port", "a port is served by one process"},
    {"sagemaker-safe-port-range", "the container contract answers on the HTTP port"},
    {"sagemaker-thread-count", "the container contract answers on the HTTP port"},
    {"allow-gpu-metrics", "there are no metrics of GPUs"},
    {"cache-directory", "the one cache is built in"},
    {"pinned-memory-pool-byte-size", "there is no pool of pinned memory"},
    {"cuda-memory-pool-byte-size", "there is no pool of GPU memory"},
    {"cuda-virtual-address-size", "there is no pool of GPU memory"},
    {"min-supported-compute-capability", "backends choose their devices"},
    {"model-load-gpu-limit", "--instance-memory bounds what models hold"},
    {"buffer-manager-thread-count", "tensors are gathered on the lanes"},
    {"host-policy", "lanes are bound to no processor"},
}};

// Takes one value each time it is given, like all of Triton's flags.
template <typename Use>
void AddHidden(CLI::App& app, const Flag& flag, Use use) {
  const std::string name = std::string("--") + flag.name;
  app.add_option_function<std::vector<std::string>>(
         name, [name, use](const std::vector<std::string>&) { use(name); }, flag.why)
      ->allow_extra_args(false)
      ->group("");  // kept out of --help
}

}  // namespace

void AddUnservedTritonFlags(CLI::App& app) {
  for (const Flag& flag : kUnserved)
    AddHidden(app, flag, [why = std::string(flag.why)](const std::string& name) {
      throw CLI::ValidationError(name, why);
    });
  for (const Flag& flag : kWithoutEffect)
    AddHidden(app, flag, [why = std::string(flag.why)](const std::string& name) {
      LogInfo("cli", "{} has no effect: {}", name, why);
    });
}

}  // namespace sarai::cli
