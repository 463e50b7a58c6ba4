#include "engine/loader.h"

#include <algorithm>
#include <filesystem>

#include "base/strings.h"
#include "engine/ensemble/members.h"
#include "engine/sequence/rows.h"
#include "engine/warmup.h"
#include "model_config.pb.h"
#include "wire/modelconfig/ensemble.h"
#include "wire/modelconfig/model_config.h"

namespace sarai::engine {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxConfigBytes = 16ull << 20;
constexpr uint64_t kMaxLabelBytes = 64ull << 20;

// Codecs name the model themselves; frameworks and file systems do not know it.
Status InContextOf(std::string_view name, const Status& status) {
  const std::string context = fmt::format("model '{}'", name);
  return status.message().starts_with(context) ? status : status.WithContext(context);
}

// configs/NAME.pbtxt where a name is given and the model has that one, else its config.pbtxt.
fs::path ConfigFile(const LoadOptions& options, const ModelDirectory& directory) {
  std::error_code error;
  const fs::path named = fs::path(directory.root) / "configs" / (options.config_name + ".pbtxt");
  if (!options.config_name.empty() && fs::is_regular_file(named, error)) return named;
  return directory.config_file;
}

Result<inference::ModelConfig> ReadConfig(const LoadOptions& options,
                                          const ModelDirectory& directory) {
  if (!options.config_json.empty()) return modelconfig::ParseJson(options.config_json);
  const fs::path file = ConfigFile(options, directory);
  if (file.empty() && options.auto_complete) return inference::ModelConfig();
  if (file.empty())
    return Error(Code::kNotFound, "'{}' has no config.pbtxt, and auto-completion is off",
                 directory.root);
  SARAI_TRY(const std::string text, ReadSmallFile(file, kMaxConfigBytes));
  const bool own = file.filename() == "config.pbtxt";
  return modelconfig::ParseText(text, own ? "config.pbtxt" : "configs/" + file.filename().string());
}

std::vector<int64_t> Numbers(const std::map<int64_t, std::string>& versions) {
  std::vector<int64_t> numbers;
  numbers.reserve(versions.size());
  for (const auto& [number, folder] : versions) numbers.push_back(number);
  return numbers;
}

Status FillPlan(LoadPlan& plan, const LoadOptions& options) {
  auto config = ReadConfig(options, plan.directory);
  if (!config) return config.error();
  *plan.config = std::move(*config);
  if (!options.name.empty()) plan.config->set_name(options.name);

  auto versions = modelconfig::ChooseVersions(*plan.config, Numbers(plan.directory.versions));
  if (!versions) return versions.error();
  plan.versions = std::move(*versions);
  std::ranges::sort(plan.versions);
  if (plan.versions.empty())
    return MakeStatus(Code::kNotFound,
                      "its version policy picks none of the versions that '{}' holds",
                      plan.directory.root);
  const std::string& folder = plan.directory.versions.at(plan.versions.back());
  SARAI_CHECK_OK(modelconfig::Autofill(*plan.config, plan.name, NamesIn(folder)));
  plan.name = plan.config->name();
  plan.backend = plan.config->backend();
  if (plan.backend.empty() && !modelconfig::IsEnsemble(*plan.config))
    return MakeStatus(Code::kUnimplemented, "platform '{}' is not served: it names no backend",
                      plan.config->platform());
  inference::ModelConfig normal = *plan.config;
  modelconfig::Normalize(normal);
  return modelconfig::ValidateEarly(normal);
}

Result<ModelSpec> SpecOf(const LoadPlan& plan, const inference::ModelConfig& config,
                         int64_t version) {
  SARAI_TRY(ModelSpec spec, modelconfig::ToSpec(config, version, plan.directory.root));
  // A flat layout has no folder of that number. The file's name is checked to lie inside.
  const fs::path folder = plan.directory.versions.at(version);
  const fs::path file = config.default_model_filename();
  spec.artifact = file.empty() ? folder : folder / file;
  return spec;
}

Status CheckArtifact(const ModelSpec& spec, const std::string& folder) {
  std::error_code error;
  if (spec.artifact.empty() || fs::exists(spec.artifact, error)) return {};
  std::string held;
  for (const std::string& name : NamesIn(folder)) held += (held.empty() ? "" : ", ") + name;
  return MakeStatus(Code::kNotFound, "its model file '{}' does not exist; '{}' holds: {}",
                    spec.artifact, folder, held.empty() ? "nothing" : held);
}

Status Complete(const LoadPlan& plan, inference::ModelConfig& config,
                const backends::Signature& signature) {
  SARAI_CHECK_OK(modelconfig::Complete(
      config,
      {.inputs = signature.inputs,
       .outputs = signature.outputs,
       .first_dim_variable = signature.first_dim_variable},
      {.fill = plan.auto_complete, .default_max_batch_size = plan.default_max_batch_size}));
  modelconfig::Normalize(config);
  return modelconfig::Validate(config);
}

// `config` becomes the effective one of this version.
Result<ServedVersion::Parts> LoadVersion(const LoadPlan& plan, int64_t version,
                                         backends::Backend& backend,
                                         inference::ModelConfig& config) {
  SARAI_TRY(const ModelSpec bare, SpecOf(plan, config, version));
  SARAI_CHECK_OK(CheckArtifact(bare, plan.directory.versions.at(version)));
  SARAI_TRY(std::unique_ptr<backends::BackendModel> model, backend.Load(bare));
  SARAI_CHECK_OK(Complete(plan, config, model->signature()));
  SARAI_TRY(ModelSpec spec, SpecOf(plan, config, version));
  SARAI_CHECK_OK(model->Prepare(spec));
  SARAI_TRY(std::vector<Tensor> initial_states, InitialStates(spec));
  SARAI_CHECK_OK(WarmUp(spec, initial_states, *model));
  return ServedVersion::Parts{std::move(spec), std::move(model), &backend,
                              std::move(initial_states)};
}

// One class name per line, as Triton reads label files.
Status ReadLabels(ModelInfo& info) {
  for (const auto& [output, path] : info.spec.label_files) {
    auto text = ReadSmallFile(path, kMaxLabelBytes);
    if (!text) return text.error().WithContext(fmt::format("label_filename of '{}'", output));
    std::vector<std::string>& labels = info.labels[output];
    for (const std::string_view line : Split(*text, '\n'))
      labels.emplace_back(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
    if (labels.back().empty()) labels.pop_back();
  }
  return {};
}

}  // namespace

LoadPlan::LoadPlan() : config(std::make_unique<inference::ModelConfig>()) {}
LoadPlan::LoadPlan(LoadPlan&&) noexcept = default;
LoadPlan::~LoadPlan() = default;

Result<LoadPlan> PlanLoad(const LoadOptions& options) {
  LoadPlan plan;
  plan.name = options.name;
  plan.auto_complete = options.auto_complete;
  plan.default_max_batch_size = options.default_max_batch_size;
  auto directory = FindModelDirectory(options.directory);
  if (!directory)
    return Error(plan.name.empty() ? directory.error() : InContextOf(plan.name, directory.error()));
  plan.directory = std::move(*directory);
  if (plan.name.empty()) plan.name = plan.directory.folder_name;
  if (const Status filled = FillPlan(plan, options); !filled.ok())
    return Error(InContextOf(plan.name, filled));
  return plan;
}

Result<LoadedModel> CarryOut(const LoadPlan& plan, backends::Backend& backend) {
  LoadedModel loaded;
  for (const int64_t version : plan.versions) {
    inference::ModelConfig config = *plan.config;
    auto parts = LoadVersion(plan, version, backend, config);
    if (!parts) return Error(InContextOf(plan.name, parts.error()));
    loaded.info.spec = parts->spec;
    loaded.info.config_json = modelconfig::ToJson(config);
    loaded.info.versions.push_back(std::to_string(version));
    loaded.info.memory_bytes += parts->model->memory_bytes();
    loaded.versions.push_back(std::move(*parts));
  }
  if (const Status read = ReadLabels(loaded.info); !read.ok())
    return Error(InContextOf(plan.name, read));
  return loaded;
}

Result<LoadedModel> CarryOutEnsemble(const LoadPlan& plan, const FindModel& find_model) {
  inference::ModelConfig config = *plan.config;
  modelconfig::Normalize(config);
  if (const Status valid = modelconfig::Validate(config); !valid.ok())
    return Error(InContextOf(plan.name, valid));
  auto spec = SpecOf(plan, config, plan.versions.back());
  if (!spec) return Error(InContextOf(plan.name, spec.error()));
  auto members = FindMembers(*spec, find_model);
  if (!members) return Error(InContextOf(plan.name, members.error()));
  config.mutable_model_transaction_policy()->set_decoupled(members->decoupled);
  LoadedModel loaded;
  for (const int64_t version : plan.versions) {
    SARAI_TRY(ModelSpec served, SpecOf(plan, config, version));
    loaded.info.spec = served;
    loaded.info.versions.push_back(std::to_string(version));
    loaded.versions.push_back({.spec = std::move(served), .members = members->steps});
  }
  loaded.info.config_json = modelconfig::ToJson(config);
  return loaded;
}

Result<ModelInfo> InspectDirectory(const LoadOptions& options) {
  SARAI_TRY(const LoadPlan plan, PlanLoad(options));
  inference::ModelConfig config = *plan.config;
  modelconfig::Normalize(config);
  // Without tensors, only the framework can say whether the rest is right.
  if (config.input_size() > 0 && config.output_size() > 0)
    if (const Status valid = modelconfig::Validate(config); !valid.ok())
      return Error(InContextOf(plan.name, valid));
  auto spec = SpecOf(plan, config, plan.versions.back());
  if (!spec) return Error(InContextOf(plan.name, spec.error()));
  ModelInfo info{.spec = std::move(*spec), .config_json = modelconfig::ToJson(config)};
  for (const int64_t version : plan.versions) info.versions.push_back(std::to_string(version));
  return info;
}

}  // namespace sarai::engine
