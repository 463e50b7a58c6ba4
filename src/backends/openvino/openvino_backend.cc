// The OpenVINO backend: libsarai_openvino.so. OpenVINO's IR, and what else it reads (ONNX,
// TensorFlow's SavedModel, PaddlePaddle), on the CPU.

#include <malloc.h>

#include <memory>
#include <string>
#include <utility>

#include "backends/backend.h"
#include "backends/openvino/ov_errors.h"
#include "backends/openvino/ov_model.h"
#include "backends/openvino/ov_runtime.h"

namespace sarai::backends::openvino {
namespace {

class OpenvinoBackend final : public Backend {
 public:
  explicit OpenvinoBackend(std::shared_ptr<OvRuntime> runtime) : runtime_(std::move(runtime)) {}

  std::string name() const override { return "openvino"; }
  std::string runtime_version() const override { return runtime_->version(); }

  Result<std::unique_ptr<BackendModel>> Load(const ModelSpec& spec) override {
    return OvModel::Load(runtime_, spec);
  }

  void ReleaseMemory() override { malloc_trim(0); }

 private:
  const std::shared_ptr<OvRuntime> runtime_;
};

}  // namespace
}  // namespace sarai::backends::openvino

extern "C" __attribute__((visibility("default"))) sarai::backends::Backend* SaraiMakeBackend(
    const sarai::backends::BackendOptions* options, std::string* error) {
  using namespace sarai::backends::openvino;
  try {
    auto runtime = OvRuntime::Open(*options);
    if (runtime) return new OpenvinoBackend(*std::move(runtime));
    *error = runtime.error().message();
  } catch (...) {
    *error = CurrentException(sarai::Code::kInternal).message();
  }
  return nullptr;
}
