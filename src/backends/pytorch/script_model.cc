#include "backends/pytorch/script_model.h"

#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/csrc/jit/serialization/import.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

#include "backends/common/framework_tensors.h"
#include "backends/common/parameters.h"
#include "backends/pytorch/argument_map.h"
#include "backends/pytorch/torch_errors.h"
#include "base/bytes.h"

namespace sarai::backends::torchscript {
namespace {

// What a module keeps besides tensors (code, graphs, the executor's plans after the first runs)
// cannot be asked for. Measured with 2.15: 38 KiB of heap for a model of one operator (2 nodes),
// 5.7 MiB for a ResNet-50 (562 nodes).
constexpr uint64_t kModuleBytes = 20 * kKiB;
constexpr uint64_t kNodeBytes = 10 * kKiB;

// What the graph of forward(), with all that it calls, tells about the module.
struct GraphFacts {
  size_t nodes = 0;
  bool writes = false;  // some operator changes a tensor in place
};

void Collect(const torch::jit::Block* block, GraphFacts& facts) {
  for (const torch::jit::Node* node : block->nodes()) {
    const c10::FunctionSchema* schema = node->maybeSchema();
    ++facts.nodes;
    facts.writes = facts.writes || (schema != nullptr && schema->is_mutable());
    for (const torch::jit::Block* inner : node->blocks()) Collect(inner, facts);
  }
}

GraphFacts FactsOf(const torch::jit::Module& module) {
  const auto graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  GraphFacts facts;
  Collect(graph->block(), facts);
  return facts;
}

std::span<const c10::Argument> Arguments(const torch::jit::Module& module) {
  const auto& all = module.get_method("forward").function().getSchema().arguments();
  return std::span(all).subspan(1);  // without self
}

bool IsDictOfTensors(const c10::Type& type) {
  if (type.kind() != c10::TypeKind::DictType) return false;
  const auto& dict = type.expectRef<c10::DictType>();
  return dict.getKeyType()->kind() == c10::TypeKind::StringType &&
         dict.getValueType()->kind() == c10::TypeKind::TensorType;
}

std::vector<std::string> Names(const std::vector<TensorSpec>& tensors) {
  std::vector<std::string> names;
  std::ranges::transform(tensors, std::back_inserter(names), &TensorSpec::name);
  return names;
}

}  // namespace

Result<ScriptOptions> ScriptOptions::FromParameters(
    const std::map<std::string, std::string>& parameters) {
  SARAI_TRY(const auto inference, FlagParameter(parameters, "INFERENCE_MODE"));
  SARAI_TRY(const auto disabled, FlagParameter(parameters, "DISABLE_OPTIMIZED_EXECUTION"));
  SARAI_TRY(const auto freeze, FlagParameter(parameters, "FREEZE"));
  return ScriptOptions{.inference_mode = inference.value_or(true),
                       .optimized = !disabled.value_or(false),
                       .freeze = freeze.value_or(false)};
}

ScriptModel::ScriptModel(ModelSpec spec, ScriptOptions options)
    : options_(options), account_(std::make_shared<MemoryAccount>()), spec_(std::move(spec)) {}

ScriptModel::~ScriptModel() = default;

Result<std::unique_ptr<ScriptModel>> ScriptModel::Load(const ModelSpec& spec) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(spec.artifact, error))
    return Error(Code::kNotFound, "there is no file '{}'", spec.artifact);
  SARAI_TRY(const ScriptOptions options, ScriptOptions::FromParameters(spec.parameters));
  std::unique_ptr<ScriptModel> model(new ScriptModel(spec, options));
  SARAI_CHECK_OK(model->LoadModule());
  return model;
}

Status ScriptModel::LoadModule() {
  const ScopedAccount scope(account_, Phase::kLoad);
  try {
    auto module = torch::jit::load(spec_.artifact, at::kCPU, /*load_debug_files=*/false);
    module.eval();
    if (!module.find_method("forward"))
      return MakeStatus(Code::kDataLoss, "'{}' has no method forward()", spec_.artifact);
    if (options_.freeze) module = torch::jit::freeze(module);
    const GraphFacts facts = FactsOf(module);
    writes_arguments_ = facts.writes;
    uncounted_bytes_ = kModuleBytes + facts.nodes * kNodeBytes;
    module_ = std::make_unique<torch::jit::Module>(std::move(module));
    return {};
  } catch (...) {
    return CurrentException(Code::kDataLoss);
  }
}

Status ScriptModel::Prepare(const ModelSpec& spec) {
  spec_ = spec;
  inputs_.clear();
  framework_outputs_ = FrameworkOutputs(spec);
  auto outputs = MapOutputs(Names(framework_outputs_));
  if (!outputs) return outputs.error().WithContext("outputs of the config");
  output_positions_ = *std::move(outputs);
  for (const TensorSpec& output : framework_outputs_) SARAI_CHECK_OK(CheckStrings(output));
  try {
    return MapArguments();
  } catch (...) {
    return CurrentException(Code::kInternal);
  }
}

Status ScriptModel::MapArguments() {
  const auto arguments = Arguments(*module_);
  takes_dict_ = arguments.size() == 1 && IsDictOfTensors(*arguments[0].type());
  if (takes_dict_) return {};
  std::vector<std::string> names;
  std::ranges::transform(arguments, std::back_inserter(names), &c10::Argument::name);
  const std::vector<TensorSpec> inputs = FrameworkInputs(spec_);
  const auto positions = MapInputs(Names(inputs), names);
  if (!positions) return positions.error().WithContext("inputs of the config");
  for (size_t i = 0; i < inputs.size(); ++i) SARAI_CHECK_OK(MapInput(inputs[i], (*positions)[i]));
  return FillDefaults(*positions);
}

Status ScriptModel::MapInput(const TensorSpec& spec, size_t position) {
  const auto kind = KindOf(Arguments(*module_)[position]);
  if (!kind) return kind.error();
  SARAI_CHECK_OK(CheckType(*kind, spec));
  SARAI_CHECK_OK(CheckStrings(spec));
  inputs_.push_back({spec.name, position, *kind});
  return {};
}

Status ScriptModel::CheckStrings(const TensorSpec& tensor) const {
  if (tensor.type != DataType::kBytes) return {};
  const bool fits = spec_.max_batch_size > 0 ? tensor.dims == Shape{1} : tensor.dims.size() == 1;
  if (fits) return {};
  return MakeStatus(Code::kInvalidArgument,
                    "'{}' has dims {}: TorchScript has strings in lists only, so they must be {}",
                    tensor.name, ShapeText(tensor.dims),
                    spec_.max_batch_size > 0 ? "[1], one for each request of a batch" : "one");
}

Status ScriptModel::FillDefaults(const std::vector<size_t>& given) {
  defaults_.clear();
  const auto arguments = Arguments(*module_);
  for (size_t i = 0; i < arguments.size(); ++i) {
    const c10::Argument& argument = arguments[i];
    defaults_.push_back(argument.default_value().value_or(c10::IValue()));
    const bool may_lack = argument.default_value().has_value() ||
                          argument.type()->kind() == c10::TypeKind::OptionalType;
    if (!may_lack && std::ranges::find(given, i) == given.end())
      return MakeStatus(Code::kInvalidArgument,
                        "no input of the config stands for argument '{}' of forward()",
                        argument.name());
  }
  return {};
}

Result<std::vector<c10::IValue>> ScriptModel::MakeDict(const std::vector<Tensor>& inputs) const {
  c10::Dict<std::string, at::Tensor> dict;
  for (const Tensor& tensor : inputs) {
    SARAI_TRY(const Shape shape, FrameworkShape(spec_, tensor));
    SARAI_TRY(const c10::IValue value,
              ToIValue(tensor, shape, ArgumentKind::kTensor, writes_arguments_));
    dict.insert(tensor.name, value.toTensor());
  }
  return std::vector<c10::IValue>{std::move(dict)};
}

Result<std::vector<c10::IValue>> ScriptModel::MakeArguments(
    const std::vector<Tensor>& inputs) const {
  if (takes_dict_) return MakeDict(inputs);
  std::vector<c10::IValue> arguments = defaults_;
  for (const Tensor& tensor : inputs) {
    const auto input = std::ranges::find(inputs_, tensor.name, &Input::name);
    if (input == inputs_.end())
      return Error(Code::kInvalidArgument, "the model has no input '{}'", tensor.name);
    SARAI_TRY(const Shape shape, FrameworkShape(spec_, tensor));
    Tensor aligned = tensor;
    aligned.data = AlignedFor(tensor.type, tensor.data);
    SARAI_TRY(arguments[input->position], ToIValue(aligned, shape, input->kind, writes_arguments_));
  }
  return arguments;
}

Result<c10::IValue> ScriptModel::Run(std::vector<c10::IValue> arguments) const {
  std::optional<c10::InferenceMode> inference;
  if (options_.inference_mode) inference.emplace();
  const torch::jit::GraphOptimizerEnabledGuard optimized(options_.optimized);
  return module_->get_method("forward")(std::move(arguments));
}

Result<c10::IValue> ScriptModel::Pick(const c10::IValue& returned, size_t output) const {
  const std::string& name = framework_outputs_[output].name;
  if (returned.isGenericDict()) {
    const auto dict = returned.toGenericDict();
    const auto at = dict.find(name);
    if (at == dict.end())
      return Error(Code::kInvalidArgument, "the model returned a dictionary without '{}'", name);
    return at->value();
  }
  const size_t position = output_positions_[output];
  if (returned.isTuple()) {
    const auto& elements = returned.toTupleRef().elements();
    if (position < elements.size()) return elements[position];
  } else if (returned.isTensorList()) {
    const auto list = returned.toTensorVector();
    if (position < list.size()) return c10::IValue(list[position]);
  } else if (position == 0) {
    return returned;
  }
  return Error(Code::kInvalidArgument,
               "the model returned too few values for output '{}', which is number {}", name,
               position);
}

Result<std::vector<Tensor>> ScriptModel::Execute(const std::vector<Tensor>& inputs,
                                                 const ExecuteContext& context) {
  const ScopedAccount scope(account_, Phase::kRun);
  try {
    SARAI_TRY(auto arguments, MakeArguments(inputs));
    SARAI_TRY(const c10::IValue returned, Run(std::move(arguments)));
    std::vector<Tensor> outputs;
    for (const std::string& name : WantedOutputs(spec_, context.outputs)) {
      const auto spec = std::ranges::find(framework_outputs_, name, &TensorSpec::name);
      if (spec == framework_outputs_.end())
        return Error(Code::kInvalidArgument, "the model has no output '{}'; it has {}", name,
                     QuotedNames(framework_outputs_));
      SARAI_TRY(const c10::IValue value,
                Pick(returned, static_cast<size_t>(spec - framework_outputs_.begin())));
      SARAI_TRY(Tensor output, FromIValue(value, *spec, spec_.max_batch_size > 0));
      outputs.push_back(std::move(output));
    }
    return outputs;
  } catch (...) {
    // A module that could be loaded fails in a run over what it was given.
    return Error(CurrentException(Code::kInvalidArgument));
  }
}

}  // namespace sarai::backends::torchscript
