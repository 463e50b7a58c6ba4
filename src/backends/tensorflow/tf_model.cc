#include "backends/tensorflow/tf_model.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "backends/common/framework_tensors.h"
#include "backends/common/parameters.h"
#include "backends/tensorflow/tf_values.h"
#include "base/unique_fd.h"

namespace sarai::backends::tensorflow {
namespace {

constexpr char kGraphFile[] = "/saved_model.pb";
constexpr int kThreadsMax = 1024;

// Field numbers of ConfigProto.
constexpr int kIntraOpThreads = 2, kInterOpThreads = 5, kPerSessionThreads = 9;

std::string TextParameter(const ModelSpec& spec, const std::string& name) {
  const auto at = spec.parameters.find(name);
  return at == spec.parameters.end() ? "" : at->second;
}

// Numbers are below 2^14.
void AddField(std::string& message, int field, int value) {
  message += static_cast<char>(field << 3);
  if (value >= 0x80) message += static_cast<char>(0x80 | (value & 0x7f));
  message += static_cast<char>(value >= 0x80 ? value >> 7 : value);
}

// A ConfigProto.
Result<std::string> SessionConfig(const ModelSpec& spec, int threads) {
  SARAI_TRY(const auto intra,
            IntParameter(spec.parameters, "TF_NUM_INTRA_THREADS", 0, kThreadsMax));
  SARAI_TRY(const auto inter,
            IntParameter(spec.parameters, "TF_NUM_INTER_THREADS", 0, kThreadsMax));
  SARAI_TRY(const auto own, FlagParameter(spec.parameters, "TF_USE_PER_SESSION_THREADS"));
  std::string config;
  AddField(config, kIntraOpThreads, intra.value_or(threads));
  AddField(config, kInterOpThreads, inter.value_or(threads));
  AddField(config, kPerSessionThreads, own.value_or(false) ? 1 : 0);
  return config;
}

Result<std::vector<MetaGraph>> ReadGraphs(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!fd.valid() || fstat(fd.get(), &info) != 0)
    return Error(Code::kNotFound, "there is no file '{}'", path);
  if (info.st_size <= 0) return ParseSavedModel({});
  const auto size = static_cast<size_t>(info.st_size);
  void* data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return Error(Code::kResourceExhausted, "cannot map '{}'", path);
  auto graphs = ParseSavedModel({static_cast<const std::byte*>(data), size});
  munmap(data, size);
  return graphs;
}

std::vector<TensorSpec> SpecsOf(const std::map<std::string, GraphTensor>& tensors) {
  std::vector<TensorSpec> specs;
  for (const auto& [name, tensor] : tensors)
    specs.push_back({.name = name, .type = tensor.type, .dims = tensor.dims});
  return specs;
}

bool BeginsOpen(const TensorSpec& spec) { return !spec.dims.empty() && spec.dims[0] == -1; }

Status CheckTensor(const char* what, const ModelSpec& spec, const TensorSpec& asked,
                   const std::map<std::string, GraphTensor>& known) {
  const auto at = known.find(asked.name);
  if (at == known.end())
    return MakeStatus(Code::kInvalidArgument,
                      "the config names {} '{}', which the signature does not have; it has {}",
                      what, asked.name, QuotedNames(SpecsOf(known)));
  const GraphTensor& tensor = at->second;
  if (tensor.type != asked.type)
    return MakeStatus(Code::kInvalidArgument,
                      "the config says {} for {} '{}', but the signature has {}",
                      DataTypeName(asked.type), what, asked.name, DataTypeName(tensor.type));
  const Shape dims = FrameworkDims(spec, asked);
  if (asked.ragged || tensor.unknown_rank || DimsAgree(dims, tensor.dims)) return {};
  return MakeStatus(Code::kInvalidArgument,
                    "the config gives {} '{}' the shape {} (batch dimension included), but the "
                    "signature has {}",
                    what, asked.name, ShapeText(dims), ShapeText(tensor.dims));
}

}  // namespace

TfModel::TfModel(std::shared_ptr<TfRuntime> runtime, ModelSpec spec)
    : runtime_(std::move(runtime)), api_(runtime_->api), spec_(std::move(spec)) {}

TfModel::~TfModel() {
  const TfStatus status(*api_);
  if (session_ != nullptr) {
    api_->TF_CloseSession(session_, status.get());
    api_->TF_DeleteSession(session_, status.get());
  }
  if (graph_ != nullptr) api_->TF_DeleteGraph(graph_);
}

Result<std::unique_ptr<TfModel>> TfModel::Load(std::shared_ptr<TfRuntime> runtime,
                                               const ModelSpec& spec) {
  std::unique_ptr<TfModel> model(new TfModel(std::move(runtime), spec));
  SARAI_CHECK_OK(model->ReadFile());
  SARAI_CHECK_OK(model->OpenSession());
  return model;
}

Status TfModel::ReadFile() {
  SARAI_TRY(auto graphs, ReadGraphs(spec_.artifact + kGraphFile));
  SARAI_TRY(const MetaGraph graph,
            ChooseGraph(std::move(graphs), TextParameter(spec_, "TF_GRAPH_TAG")));
  SARAI_TRY(graph_signature_, ChooseSignature(graph, TextParameter(spec_, "TF_SIGNATURE_DEF")));
  tags_ = graph.tags;
  signature_.inputs = SpecsOf(graph_signature_.inputs);
  signature_.outputs = SpecsOf(graph_signature_.outputs);
  signature_.first_dim_variable = !signature_.inputs.empty() &&
                                  std::ranges::all_of(signature_.inputs, BeginsOpen) &&
                                  std::ranges::all_of(signature_.outputs, BeginsOpen);
  return {};
}

Status TfModel::OpenSession() {
  SARAI_TRY(const std::string config, SessionConfig(spec_, runtime_->threads));
  const HeapMeter::Measurement growth(runtime_->meter);
  const TfStatus status(*api_);
  const std::unique_ptr<TF_SessionOptions, decltype(api_->TF_DeleteSessionOptions)> options(
      api_->TF_NewSessionOptions(), api_->TF_DeleteSessionOptions);
  api_->TF_SetConfig(options.get(), config.data(), config.size(), status.get());
  SARAI_CHECK_OK(status.ToStatus(Code::kInternal));
  graph_ = api_->TF_NewGraph();
  std::vector<const char*> tags;
  for (const std::string& tag : tags_) tags.push_back(tag.c_str());
  session_ = api_->TF_LoadSessionFromSavedModel(options.get(), nullptr, spec_.artifact.c_str(),
                                                tags.data(), static_cast<int>(tags.size()), graph_,
                                                nullptr, status.get());
  SARAI_CHECK_OK(status.ToStatus(Code::kDataLoss));
  loaded_bytes_ = growth.bytes();
  return {};
}

Result<TF_Output> TfModel::PlaceOf(const std::string& what, const GraphTensor& tensor) const {
  TF_Operation* operation = api_->TF_GraphOperationByName(graph_, tensor.operation.c_str());
  if (operation != nullptr && tensor.index < api_->TF_OperationNumOutputs(operation))
    return TF_Output{operation, tensor.index};
  return Error(Code::kDataLoss, "'{}' of the signature is '{}:{}', which the graph does not have",
               what, tensor.operation, tensor.index);
}

Status TfModel::Prepare(const ModelSpec& spec) {
  spec_ = spec;
  const std::vector<TensorSpec> inputs = FrameworkInputs(spec);
  for (const TensorSpec& input : inputs)
    SARAI_CHECK_OK(CheckTensor("input", spec, input, graph_signature_.inputs));
  for (const TensorSpec& output : FrameworkOutputs(spec))
    SARAI_CHECK_OK(CheckTensor("output", spec, output, graph_signature_.outputs));
  for (const auto& [name, tensor] : graph_signature_.inputs) {
    SARAI_TRY([[maybe_unused]] const TF_Output place, PlaceOf(name, tensor));
    if (std::ranges::find(inputs, name, &TensorSpec::name) == inputs.end())
      return MakeStatus(Code::kInvalidArgument, "the config lacks the model's input '{}'", name);
  }
  for (const auto& [name, tensor] : graph_signature_.outputs) {
    SARAI_TRY([[maybe_unused]] const TF_Output place, PlaceOf(name, tensor));
  }
  return {};
}

Status TfModel::CheckInput(const Tensor& input, const GraphTensor& place,
                           const Shape& shape) const {
  if (input.type == place.type && (place.unknown_rank || DimsAgree(shape, place.dims))) return {};
  return MakeStatus(Code::kInvalidArgument, "input '{}' is {} {}, but the signature has {} {}",
                    input.name, DataTypeName(input.type), ShapeText(shape),
                    DataTypeName(place.type), ShapeText(place.dims));
}

Result<std::vector<Tensor>> TfModel::Execute(const std::vector<Tensor>& inputs,
                                             const ExecuteContext& context) {
  std::vector<OwnedTensor> given;
  std::vector<TF_Tensor*> values;
  std::vector<TF_Output> places, results;
  for (const Tensor& input : inputs) {
    const auto at = graph_signature_.inputs.find(input.name);
    if (at == graph_signature_.inputs.end())
      return Error(Code::kInvalidArgument, "the model has no input '{}'", input.name);
    SARAI_TRY(const Shape shape, FrameworkShape(spec_, input));
    SARAI_CHECK_OK(CheckInput(input, at->second, shape));
    SARAI_TRY(OwnedTensor value, ToTf(api_, input, shape));
    SARAI_TRY(const TF_Output place, PlaceOf(input.name, at->second));
    places.push_back(place);
    values.push_back(value.get());
    given.push_back(std::move(value));
  }
  const std::vector<std::string> wanted = WantedOutputs(spec_, context.outputs);
  for (const std::string& name : wanted) {
    const auto at = graph_signature_.outputs.find(name);
    if (at == graph_signature_.outputs.end())
      return Error(Code::kInvalidArgument, "the model has no output '{}'; it has {}", name,
                   QuotedNames(signature_.outputs));
    SARAI_TRY(const TF_Output place, PlaceOf(name, at->second));
    results.push_back(place);
  }
  std::vector<TF_Tensor*> made(results.size(), nullptr);
  const TfStatus status(*api_);
  api_->TF_SessionRun(session_, nullptr, places.data(), values.data(),
                      static_cast<int>(values.size()), results.data(), made.data(),
                      static_cast<int>(made.size()), nullptr, 0, nullptr, status.get());
  std::vector<OwnedTensor> owned;
  for (TF_Tensor* tensor : made) owned.push_back(OwnedTensor(tensor, {api_}));
  // A session that could be opened fails in a run over what it was given.
  SARAI_CHECK_OK(status.ToStatus(Code::kInvalidArgument));
  std::vector<Tensor> outputs;
  for (size_t i = 0; i < owned.size(); ++i) {
    SARAI_TRY(Tensor output, FromTf(std::move(owned[i]), wanted[i], inputs));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

}  // namespace sarai::backends::tensorflow
