#include "backends/test_support.h"

#include <cstring>
#include <map>
#include <mutex>
#include <thread>

#include "backends/host/host_backend.h"
#include "backends/load_library.h"

namespace sarai::backends::testing {

std::string BackendLibrary(const std::string& name) {
  return std::string(SARAI_BUILD_DIR "/lib/sarai/backends/libsarai_").append(name).append(".so");
}

std::string HostExecutable() { return SARAI_BUILD_DIR "/bin/backend_host_test_main"; }

std::string OnnxModel(const std::string& name) {
  return SARAI_BACKENDS_TEST_DATA "/onnx/" + name + ".onnx";
}

std::string ScriptModel(const std::string& name) {
  return SARAI_BUILD_DIR "/test_models/torchscript/" + name + ".pt";
}

Backend* SharedBackend(const std::string& name) {
  static std::map<std::string, std::unique_ptr<Backend>> backends;
  auto& backend = backends[name];
  if (backend == nullptr) {
    auto loaded = LoadBackendLibrary(BackendLibrary(name), BackendOptions{});
    if (!loaded) {
      ADD_FAILURE() << loaded.error().ToString();
      return nullptr;
    }
    backend = *std::move(loaded);
  }
  return backend.get();
}

std::unique_ptr<Backend> HostedBackend(const std::string& name) {
  host::HostOptions options;
  options.backend = name;
  options.library = BackendLibrary(name);
  options.host_executable = HostExecutable();
  options.backend_options.intra_op_threads = 1;
  options.backoff.first = Duration::zero();
  return std::make_unique<host::HostBackend>(options);
}

Tensor Floats(std::string name, Shape shape, const std::vector<float>& values) {
  return MakeTensor(std::move(name), DataType::kFp32, std::move(shape), values);
}

Tensor Ints(std::string name, Shape shape, const std::vector<int64_t>& values) {
  return MakeTensor(std::move(name), DataType::kInt64, std::move(shape), values);
}

Tensor Strings(std::string name, Shape shape, const std::vector<std::string>& values) {
  const std::vector<std::string_view> views(values.begin(), values.end());
  return {.name = std::move(name),
          .type = DataType::kBytes,
          .shape = std::move(shape),
          .data = Blob::FromVector(EncodeBytesElements(views))};
}

std::vector<std::string> StringValues(const Tensor& tensor) {
  const auto elements = BytesElements(tensor.data.bytes());
  if (!elements) return {elements.error().ToString()};
  return {elements->begin(), elements->end()};
}

ModelSpec MakeSpec(std::string artifact, std::vector<TensorSpec> inputs,
                   std::vector<TensorSpec> outputs, int64_t max_batch_size) {
  ModelSpec spec;
  spec.name = artifact.substr(artifact.rfind('/') + 1);
  spec.version = std::string(1, '1');
  spec.artifact = std::move(artifact);
  spec.max_batch_size = max_batch_size;
  spec.inputs = std::move(inputs);
  spec.outputs = std::move(outputs);
  return spec;
}

std::unique_ptr<BackendModel> LoadModel(Backend* backend, const ModelSpec& spec) {
  if (backend == nullptr) return nullptr;
  auto model = backend->Load(spec);
  if (!model) {
    ADD_FAILURE() << model.error().ToString();
    return nullptr;
  }
  const Status prepared = (*model)->Prepare(spec);
  if (prepared.ok()) return *std::move(model);
  ADD_FAILURE() << prepared.ToString();
  return nullptr;
}

Tensor RunOne(BackendModel& model, const std::vector<Tensor>& inputs) {
  auto outputs = model.Execute(inputs, {});
  if (outputs && outputs->size() == 1) return outputs->front();
  ADD_FAILURE() << (outputs ? "not one output" : outputs.error().ToString());
  return {};
}

void ExpectRightAnswersSideBySide(BackendModel& model, int threads) {
  std::vector<std::jthread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&model, t] {
      for (int i = 0; i < 200; ++i) {
        const auto value = static_cast<float>(t * 1000 + i);
        const Tensor out = RunOne(model, {Floats("x", {1, 4}, {0, 0, 0, value})});
        EXPECT_EQ(Values<float>(out), (std::vector<float>{value, value}));
      }
    });
}

std::vector<TypeCase> AllTypes() {
  return {
      {DataType::kBool, "bool"},     {DataType::kUint8, "uint8"},   {DataType::kUint16, "uint16"},
      {DataType::kUint32, "uint32"}, {DataType::kUint64, "uint64"}, {DataType::kInt8, "int8"},
      {DataType::kInt16, "int16"},   {DataType::kInt32, "int32"},   {DataType::kInt64, "int64"},
      {DataType::kFp16, "fp16"},     {DataType::kFp32, "fp32"},     {DataType::kFp64, "fp64"},
      {DataType::kBytes, "bytes"},   {DataType::kBf16, "bf16"}};
}

Tensor SampleTensor(const std::string& name, DataType type) {
  const Shape shape = {2, 3};
  if (type == DataType::kBytes)
    return Strings(
        name, shape,
        {"", "a", std::string("zero\0inside", 11), "\xff\xfe", "tail", std::string(1000, 'x')});
  std::vector<std::byte> bytes(6 * ElementSize(type));
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::byte>(type == DataType::kBool ? i % 2 : i + 1);
  return {.name = name, .type = type, .shape = shape, .data = Blob::FromVector(std::move(bytes))};
}

}  // namespace sarai::backends::testing
