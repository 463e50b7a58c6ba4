// The ONNX Runtime backend: libsarai_onnxruntime.so.

#include <malloc.h>

#include <memory>
#include <string>
#include <utility>

#include "backends/backend.h"
#include "backends/onnxruntime/ort_model.h"
#include "backends/onnxruntime/ort_runtime.h"

namespace sarai::backends::ort {
namespace {

class OrtBackend final : public Backend {
 public:
  explicit OrtBackend(std::shared_ptr<OrtRuntime> runtime) : runtime_(std::move(runtime)) {}

  std::string name() const override { return "onnxruntime"; }
  std::string runtime_version() const override { return runtime_->version(); }

  Result<std::unique_ptr<BackendModel>> Load(const ModelSpec& spec) override {
    return OrtModel::Load(runtime_, spec);
  }

  // Weights are mappings of their own and are gone already; this is for what ORT itself took from
  // the heap while it read and optimised the graph.
  void ReleaseMemory() override { malloc_trim(0); }

 private:
  const std::shared_ptr<OrtRuntime> runtime_;
};

}  // namespace
}  // namespace sarai::backends::ort

extern "C" __attribute__((visibility("default"))) sarai::backends::Backend* SaraiMakeBackend(
    const sarai::backends::BackendOptions* options, std::string* error) {
  auto runtime = sarai::backends::ort::OrtRuntime::Open(*options);
  if (runtime) return new sarai::backends::ort::OrtBackend(*std::move(runtime));
  *error = runtime.error().message();
  return nullptr;
}
