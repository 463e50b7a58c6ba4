// What the tests of this room share: built backends, test models, tensors.
#pragma once

#include <gtest/gtest.h>

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "types/model_spec.h"
#include "types/tensor.h"

namespace sarai::backends::testing {

// Paths in the build and source trees.
std::string BackendLibrary(const std::string& name);
std::string HostExecutable();
std::string OnnxModel(const std::string& name);
std::string ScriptModel(const std::string& name);

// The backend from its shared object, in this process; one for all tests of a process, since
// frameworks are not made twice. Null (and a failed test) when it does not load.
Backend* SharedBackend(const std::string& name);

// The backend in a host process of its own, which starts with the first load.
std::unique_ptr<Backend> HostedBackend(const std::string& name);

template <typename T>
Tensor MakeTensor(std::string name, DataType type, Shape shape, const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {
      .name = std::move(name), .type = type, .shape = std::move(shape), .data = Blob::Copy(bytes)};
}
Tensor Floats(std::string name, Shape shape, const std::vector<float>& values);
Tensor Ints(std::string name, Shape shape, const std::vector<int64_t>& values);
Tensor Strings(std::string name, Shape shape, const std::vector<std::string>& values);

template <typename T>
std::vector<T> Values(const Tensor& tensor) {
  std::vector<T> values(tensor.data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}
std::vector<std::string> StringValues(const Tensor& tensor);

// A spec for one artifact; tensors' dims without the batch dimension where it batches.
ModelSpec MakeSpec(std::string artifact, std::vector<TensorSpec> inputs,
                   std::vector<TensorSpec> outputs, int64_t max_batch_size = 0);

// Loads and prepares; a failed test and null when that fails.
std::unique_ptr<BackendModel> LoadModel(Backend* backend, const ModelSpec& spec);

// The single output of a run, or a failed test.
Tensor RunOne(BackendModel& model, const std::vector<Tensor>& inputs);

// Runs a model of [4] -> [2] whose answer to {0, 0, 0, x} is {x, x} from several threads at once.
void ExpectRightAnswersSideBySide(BackendModel& model, int threads);

// Types with an identity model each, and their names in file names.
struct TypeCase {
  DataType type;
  std::string file;  // "fp32"
};
std::vector<TypeCase> AllTypes();

// A tensor [2,3] of the type, each byte different (strings of several lengths for kBytes).
Tensor SampleTensor(const std::string& name, DataType type);

}  // namespace sarai::backends::testing
