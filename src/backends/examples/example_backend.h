// What the example backends share: a Backend of models that need no file and hold no memory, and
// small helpers for their tensors.
#pragma once

#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "base/cancellation.h"
#include "base/clock.h"

namespace sarai::backends::examples {

inline constexpr Duration kPauseMax = std::chrono::minutes(10);  // of anything a client asks for

// Waits; false when the caller left meanwhile.
bool Pause(Duration time, const CancellationPtr& cancellation);

// Errors: kInvalidArgument, naming what a tensor of the configuration is not.
Status CheckTensor(const std::vector<TensorSpec>& tensors, size_t index, const std::string& name,
                   DataType type, const Shape* dims);

template <typename T>
std::vector<T> ValuesOf(const Tensor& tensor) {
  std::vector<T> values(tensor.data.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), tensor.data.data(), values.size() * sizeof(T));
  return values;
}

template <typename T>
Tensor OneValue(std::string name, DataType type, Shape shape, T value) {
  return {std::move(name), type, std::move(shape), Blob::Copy(std::as_bytes(std::span(&value, 1)))};
}

class ExampleModel : public BackendModel {
 public:
  const Signature& signature() const final { return signature_; }
  uint64_t memory_bytes() const final { return 0; }

 private:
  const Signature signature_;  // nothing: the configuration says it all
};

template <typename Model>
class ExampleBackend final : public Backend {
 public:
  explicit ExampleBackend(std::string name) : name_(std::move(name)) {}
  std::string name() const override { return name_; }
  std::string runtime_version() const override { return "1"; }
  Result<std::unique_ptr<BackendModel>> Load(const ModelSpec&) override {
    return std::make_unique<Model>();
  }

 private:
  const std::string name_;
};

}  // namespace sarai::backends::examples

// Exports a backend of such models.
#define SARAI_EXAMPLE_BACKEND(Model, name)                                                      \
  extern "C" __attribute__((visibility("default"))) sarai::backends::Backend* SaraiMakeBackend( \
      const sarai::backends::BackendOptions*, std::string*) {                                   \
    return new sarai::backends::examples::ExampleBackend<Model>(name);                          \
  }
