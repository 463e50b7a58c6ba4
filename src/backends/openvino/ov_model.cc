#include "backends/openvino/ov_model.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "backends/common/framework_tensors.h"
#include "backends/openvino/ov_errors.h"
#include "backends/openvino/ov_graph.h"
#include "backends/openvino/ov_values.h"
#include "base/log.h"

namespace sarai::backends::openvino {
namespace {

namespace fs = std::filesystem;

// Everything that the model may be made of.
std::vector<std::string> FilesOf(const fs::path& artifact) {
  if (artifact.extension() == ".xml") {
    std::vector<std::string> files = {artifact};
    std::error_code error;
    const fs::path weights = fs::path(artifact).replace_extension(".bin");
    if (fs::exists(weights, error)) files.push_back(weights);
    return files;
  }
  std::vector<std::string> files;
  std::error_code error;
  const fs::path folder = fs::is_directory(artifact, error) ? artifact : artifact.parent_path();
  for (fs::recursive_directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error))
    if (at->is_regular_file(error)) files.push_back(at->path());
  std::ranges::sort(files);
  return files;
}

std::map<std::string, size_t> PortsByName(const auto& ports) {
  std::map<std::string, size_t> indices;
  for (size_t i = 0; i < ports.size(); ++i)
    for (const std::string& name : ports[i].get_names()) indices.emplace(name, i);
  return indices;
}

}  // namespace

OvModel::OvModel(std::shared_ptr<OvRuntime> runtime, ModelSpec spec, ModelOptions options)
    : runtime_(std::move(runtime)),
      account_(std::make_shared<MemoryAccount>()),
      spec_(std::move(spec)),
      options_(std::move(options)) {}

Result<std::unique_ptr<OvModel>> OvModel::Load(std::shared_ptr<OvRuntime> runtime,
                                               const ModelSpec& spec) {
  std::error_code error;
  if (!fs::exists(spec.artifact, error))
    return Error(Code::kNotFound, "there is no file '{}'", spec.artifact);
  SARAI_TRY(ModelOptions options, ModelOptions::FromSpec(spec, runtime->threads()));
  std::unique_ptr<OvModel> model(new OvModel(std::move(runtime), spec, std::move(options)));
  SARAI_CHECK_OK(model->Read());
  return model;
}

Status OvModel::Read() {
  try {
    SARAI_TRY(core_, runtime_->CoreFor(options_));
    SARAI_TRY(graph_, Adapt(core_->read_model(spec_.artifact), spec_, options_));
    SARAI_TRY(signature_, SignatureOf(*graph_, spec_, options_));
    return {};
  } catch (...) {
    return CurrentException(Code::kDataLoss);
  }
}

Status OvModel::Prepare(const ModelSpec& spec) {
  spec_ = spec;
  SARAI_CHECK_OK(CheckTensors(spec_, signature_.inputs, signature_.outputs));
  // The number of instances is known only now.
  SARAI_TRY(options_, ModelOptions::FromSpec(spec, runtime_->threads()));
  try {
    const HeapMeter::Measurement growth(runtime_->meter());
    const std::string key = runtime_->cache().enabled() ? CacheKey() : "";
    std::optional<ov::CompiledModel> compiled = key.empty() ? std::nullopt : FromCache(key);
    if (!compiled) {
      compiled = Compile();
      if (!key.empty()) {
        std::ostringstream stream;
        compiled->export_model(stream);
        runtime_->cache().Store(key, stream.view());
      }
    }
    requests_ = std::make_unique<RequestPool>(*std::move(compiled));
    (void)requests_->Take();  // its memory is the model's from now on
    graph_.reset();
    loaded_bytes_ = growth.bytes();
  } catch (...) {
    return CurrentException(Code::kDataLoss);
  }
  return FindPorts();
}

std::string OvModel::CacheKey() const {
  std::string circumstances = ov::get_openvino_version().buildNumber;
  circumstances += '\n' + core_->get_property("CPU", ov::device::full_name) + '\n';
  for (const std::string& feature : core_->get_property("CPU", ov::device::capabilities))
    circumstances += feature + ' ';
  circumstances += '\n' + options_.device;
  for (const auto& [name, value] : options_.properties)
    circumstances += '\n' + name + '=' + value.as<std::string>();
  for (const auto& port : graph_->inputs())
    circumstances += fmt::format("\n{}{}", port.get_element_type().get_type_name(),
                                 port.get_partial_shape().to_string());
  for (const auto& port : graph_->outputs())
    circumstances += '\n' + port.get_element_type().get_type_name();
  // What an extension does is not known.
  if (!options_.extension_path.empty()) return "";
  return CompiledCache::KeyOf(FilesOf(spec_.artifact), circumstances);
}

ov::CompiledModel OvModel::Compile() const {
  return core_->compile_model(graph_, options_.device, options_.properties);
}

std::optional<ov::CompiledModel> OvModel::FromCache(const std::string& key) const {
  const auto file = runtime_->cache().Find(key);
  if (!file) return std::nullopt;
  try {
    std::istringstream stream(
        std::string(reinterpret_cast<const char*>(file->bytes.data()), file->bytes.size()));
    return core_->import_model(stream, options_.device, options_.properties);
  } catch (...) {
    LogWarning("openvino", "the cached form of '{}' is not taken: {}; it is compiled again",
               spec_.name, CurrentException(Code::kInternal).message());
    runtime_->cache().Remove(key);
    return std::nullopt;
  }
}

Status OvModel::FindPorts() {
  inputs_ = PortsByName(requests_->model().inputs());
  outputs_ = PortsByName(requests_->model().outputs());
  for (const TensorSpec& input : signature_.inputs)
    if (!inputs_.contains(input.name))
      return MakeStatus(Code::kInternal, "the compiled model lacks input '{}'", input.name);
  for (const TensorSpec& output : signature_.outputs)
    if (!outputs_.contains(output.name))
      return MakeStatus(Code::kInternal, "the compiled model lacks output '{}'", output.name);
  return {};
}

// Of a model with a fixed batch size: all of it is always run. `rows`: those that were asked for.
Result<ov::Tensor> OvModel::ToFixedBatch(const Tensor& input, ov::Tensor value,
                                         int64_t& rows) const {
  const ov::Shape& shape = value.get_shape();
  if (!options_.fixed_batch || shape.empty()) return value;
  const auto given = static_cast<int64_t>(shape[0]);
  if (given == spec_.max_batch_size) return value;
  if (!options_.pad_batch)
    return Error(Code::kInvalidArgument,
                 "input '{}' has a batch of {}, but the model's is fixed to {} "
                 "(SKIP_OV_DYNAMIC_BATCHSIZE); ENABLE_BATCH_PADDING fills smaller ones up",
                 input.name, given, spec_.max_batch_size);
  rows = given;
  return Padded(value, static_cast<size_t>(spec_.max_batch_size));
}

Status OvModel::SetInputs(RequestPool::Lease& request, const std::vector<Tensor>& inputs,
                          int64_t& rows) const {
  for (const Tensor& input : inputs) {
    const auto port = inputs_.find(input.name);
    if (port == inputs_.end())
      return MakeStatus(Code::kInvalidArgument, "the model has no input '{}'", input.name);
    SARAI_TRY(const Shape shape, FrameworkShape(spec_, input));
    SARAI_TRY(const ov::Tensor value, ToFixedBatch(input, ToOv(input, shape), rows));
    request->set_input_tensor(port->second, value);
  }
  return {};
}

// Outputs are memory of their own, so that they can be handed out without a copy.
void OvModel::SetOutputs(RequestPool::Lease& request) const {
  const auto& ports = requests_->model().outputs();
  for (size_t i = 0; i < ports.size(); ++i) {
    const ov::element::Type& type = ports[i].get_element_type();
    request->set_output_tensor(i, EmptyOutput(type, ports[i].get_partial_shape()));
  }
}

Result<std::vector<Tensor>> OvModel::Execute(const std::vector<Tensor>& inputs,
                                             const ExecuteContext& context) {
  const ScopedAccount scope(account_, Phase::kRun);
  std::vector<Tensor> aligned = inputs;
  for (Tensor& tensor : aligned) tensor.data = AlignedFor(tensor.type, tensor.data);
  try {
    RequestPool::Lease request = requests_->Take();
    int64_t rows = -1;
    SARAI_CHECK_OK(SetInputs(request, aligned, rows));
    SetOutputs(request);
    request->infer();
    std::vector<Tensor> outputs;
    for (const std::string& name : WantedOutputs(spec_, context.outputs)) {
      const auto port = outputs_.find(name);
      if (port == outputs_.end())
        return Error(Code::kInvalidArgument, "the model has no output '{}'; it has {}", name,
                     QuotedNames(signature_.outputs));
      SARAI_TRY(Tensor output, FromOv(request->get_output_tensor(port->second), name, rows));
      outputs.push_back(std::move(output));
    }
    return outputs;
  } catch (...) {
    // A model that could be compiled fails in a run over what it was given.
    return Error(CurrentException(Code::kInvalidArgument));
  }
}

}  // namespace sarai::backends::openvino
