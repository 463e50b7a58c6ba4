#include "cli/triton_flags.h"

#include <array>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "base/log.h"
#include "base/strings.h"

namespace sarai::cli {
namespace {

struct Flag {
  const char* name;
  const char* why;
  const char* harmless = "";  // the value that asks for what holds anyway
};

constexpr char kNoVertex[] = "Vertex AI's front end is not served";

// What would change answers, safety or what is served: refused, so that nobody believes it holds.
constexpr std::array<Flag, 7> kUnserved = {{
    {"model-namespacing", "model names must be unique over the repositories", "false"},
    {"allow-sagemaker", "the container contract is always served on the HTTP port", "true"},
    {"allow-vertex-ai", kNoVertex, "false"},
    {"vertex-ai-port", kNoVertex},
    {"vertex-ai-thread-count", kNoVertex},
    {"vertex-ai-default-model", kNoVertex},
    {"repoagent-directory", "repository agents are not served"},
}};

// Tuning of parts that do not exist here; docs/triton-flags.md says of each what stands for it.
constexpr std::array<Flag, 12> kWithoutEffect = {{
    {"enable-peer-access", "no GPU's memory is copied to another's"},
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
         name,
         [name, harmless = std::string(flag.harmless),
          use](const std::vector<std::string>& values) {
           if (harmless.empty() || ToLower(values.back()) != harmless) use(name);
         },
         flag.why)
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
