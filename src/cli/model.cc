// `sarai model pack` and `sarai model inspect`; the others are in model_*.cc.
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "base/bytes.h"
#include "cli/model_optimize.h"
#include "cli/model_tune.h"
#include "cli/pack.h"
#include "cli/subcommand.h"
#include "engine/engine.h"

namespace sarai::cli {
namespace {

struct PackFlags {
  std::string folder;
  std::string output;
  PackOptions options;
};

int RunPack(const PackFlags& flags) {
  std::filesystem::path folder = std::filesystem::path(flags.folder).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  // Reading it as a server would finds a broken config.pbtxt now instead of at the first request.
  if (const auto info = engine::InspectDirectory({.directory = folder.string()}); !info) {
    std::fprintf(stderr, "sarai: %s\n", info.error().message().c_str());
    return 1;
  }
  const std::string output =
      flags.output.empty() ? folder.filename().string() + ".tar.gz" : flags.output;
  const auto bytes = PackModel(folder.string(), output, flags.options);
  if (!bytes) {
    std::fprintf(stderr, "sarai: %s\n", bytes.error().message().c_str());
    return 1;
  }
  std::printf("%s  %s\n", output.c_str(), FormatBytes(*bytes).c_str());
  return 0;
}

void PrintTensors(const char* title, const std::vector<TensorSpec>& tensors) {
  for (const TensorSpec& tensor : tensors)
    std::printf("%-8s %s %s %s%s\n", title, tensor.name.c_str(),
                std::string(DataTypeName(tensor.type)).c_str(), ShapeText(tensor.dims).c_str(),
                tensor.optional ? " optional" : "");
}

int RunInspect(const std::string& folder, bool as_json) {
  const auto info = engine::InspectDirectory({.directory = folder});
  if (!info) {
    std::fprintf(stderr, "sarai: %s\n", info.error().message().c_str());
    return 1;
  }
  if (as_json) {
    std::printf("%s\n", info->config_json.c_str());
    return 0;
  }
  const ModelSpec& spec = info->spec;
  std::printf("name     %s\nbackend  %s\nversion  %s\nartifact %s\nmax_batch_size %lld\n",
              spec.name.c_str(), spec.backend.c_str(), spec.version.c_str(), spec.artifact.c_str(),
              static_cast<long long>(spec.max_batch_size));
  PrintTensors("input", spec.inputs);
  PrintTensors("output", spec.outputs);
  return 0;
}

}  // namespace

void AddModel(CLI::App& app, Run& run) {
  CLI::App* const model = app.add_subcommand("model", "Work on models before they are served");
  model->require_subcommand(1);

  CLI::App* const pack = model->add_subcommand("pack", "A model folder -> an archive for S3");
  auto flags = std::make_shared<PackFlags>();
  pack->add_option("folder", flags->folder, "Holds config.pbtxt and version folders")->required();
  pack->add_option("-o,--output", flags->output,
                   "NAME.tar.gz, .tar.zst or .tar (default: the folder's name + .tar.gz)");
  pack->add_option("--compression-level", flags->options.compression_level, "1 (quick) to 9")
      ->check(CLI::Range(1, 9))
      ->capture_default_str();
  pack->callback([flags, &run] { run = [flags] { return RunPack(*flags); }; });

  CLI::App* const inspect = model->add_subcommand("inspect", "What a model folder says of itself");
  auto folder = std::make_shared<std::string>();
  auto as_json = std::make_shared<bool>(false);
  inspect->add_option("folder", *folder, "Holds config.pbtxt and version folders")->required();
  inspect->add_flag("--json", *as_json, "The effective configuration as JSON");
  inspect->callback([folder, as_json, &run] {
    run = [folder, as_json] { return RunInspect(*folder, *as_json); };
  });
  AddModelTune(*model, run);
  AddModelOptimize(*model, run);
}

}  // namespace sarai::cli
