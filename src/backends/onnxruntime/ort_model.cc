#include "backends/onnxruntime/ort_model.h"

#include <algorithm>
#include <utility>

#include "backends/common/framework_tensors.h"
#include "backends/onnxruntime/onnx_file.h"
#include "backends/onnxruntime/ort_session_options.h"
#include "backends/onnxruntime/ort_signature.h"
#include "backends/onnxruntime/ort_values.h"
#include "base/bytes.h"

namespace sarai::backends::ort {

namespace {

// What a session keeps besides tensors (graph, kernels, plans) cannot be asked for. Measured with
// ORT 1.32: 60 KiB of heap for a model of one node, 1.9 MiB for a ResNet-50 (122 nodes).
constexpr uint64_t kSessionBytes = 44 * kKiB;
constexpr uint64_t kNodeBytes = 16 * kKiB;

uint64_t UncountedBytes(const OrtRuntime& runtime, const std::string& file) {
  const OnnxFile model = ReadOnnxFile(file);
  const uint64_t graph = kSessionBytes + model.nodes * kNodeBytes;
  return runtime.counts_weights() ? graph : graph + model.bytes;
}

}  // namespace

// One run's inputs as ORT takes them: names and values in two parallel arrays.
struct OrtModel::Inputs {
  std::vector<Tensor> tensors;  // aligned; what the values point into
  std::vector<Owned<OrtValue>> owned;
  std::vector<const char*> names;
  std::vector<const OrtValue*> values;
};

OrtModel::OrtModel(std::shared_ptr<OrtRuntime> runtime, ModelSpec spec)
    : runtime_(std::move(runtime)),
      account_(std::make_shared<MemoryAccount>()),
      spec_(std::move(spec)),
      session_(nullptr, runtime_->api().ReleaseSession) {}

Result<std::unique_ptr<OrtModel>> OrtModel::Load(std::shared_ptr<OrtRuntime> runtime,
                                                 const ModelSpec& spec) {
  std::unique_ptr<OrtModel> model(new OrtModel(std::move(runtime), spec));
  const OrtApi& api = model->runtime_->api();
  if (!spec.operation_libraries.empty() && !model->runtime_->allows_operation_libraries())
    return Error(Code::kFailedPrecondition,
                 "it sets model_operations, whose native code would run in this process; "
                 "--backend-config=onnxruntime,allow_operation_libraries=true allows that");
  const ScopedAccount scope(model->account_, Phase::kLoad);
  SARAI_TRY(const auto options, MakeSessionOptions(api, spec));
  OrtSession* session = nullptr;
  SARAI_CHECK_OK(ToStatus(
      api,
      api.CreateSession(model->runtime_->env(), spec.artifact.c_str(), options.get(), &session),
      During::kLoad));
  model->session_.reset(session);
  model->uncounted_bytes_ = UncountedBytes(*model->runtime_, spec.artifact);
  SARAI_TRY(model->signature_, ReadSignature(*model->runtime_, session));
  return model;
}

Status OrtModel::Prepare(const ModelSpec& spec) {
  spec_ = spec;
  return CheckTensors(spec_, signature_.inputs, signature_.outputs);
}

Result<OrtModel::Inputs> OrtModel::MakeInputs(const std::vector<Tensor>& tensors) {
  Inputs inputs;
  inputs.tensors = tensors;
  for (Tensor& tensor : inputs.tensors) {
    tensor.data = AlignedFor(tensor.type, tensor.data);
    SARAI_TRY(const Shape shape, FrameworkShape(spec_, tensor));
    auto value = ToValue(*runtime_, tensor, shape);
    if (!value) return Error(value.error().WithContext("input '" + tensor.name + "'"));
    inputs.names.push_back(tensor.name.c_str());
    inputs.values.push_back(value->get());
    inputs.owned.push_back(*std::move(value));
  }
  return inputs;
}

Result<std::vector<Tensor>> OrtModel::Execute(const std::vector<Tensor>& inputs,
                                              const ExecuteContext& context) {
  const OrtApi& api = runtime_->api();
  const ScopedAccount scope(account_, Phase::kRun);
  SARAI_TRY(const Inputs in, MakeInputs(inputs));
  std::vector<std::string> wanted = WantedOutputs(spec_, context.outputs);
  std::vector<const char*> names;
  names.reserve(wanted.size());
  for (const std::string& name : wanted) names.push_back(name.c_str());
  std::vector<OrtValue*> values(wanted.size(), nullptr);
  const Status ran = ToStatus(api,
                              api.Run(session_.get(), nullptr, in.names.data(), in.values.data(),
                                      in.values.size(), names.data(), names.size(), values.data()),
                              During::kRun);
  std::vector<Owned<OrtValue>> owned;
  owned.reserve(values.size());
  for (OrtValue* value : values) owned.push_back(Own(value, api.ReleaseValue));
  if (!ran.ok()) return Error(ran);

  std::vector<Tensor> outputs;
  for (size_t i = 0; i < wanted.size(); ++i) {
    SARAI_TRY(Tensor output,
              FromValue(runtime_, std::move(owned[i]), std::move(wanted[i]), in.tensors));
    outputs.push_back(std::move(output));
  }
  return outputs;
}

}  // namespace sarai::backends::ort
