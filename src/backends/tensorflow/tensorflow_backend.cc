// The TensorFlow backend: libsarai_tensorflow.so. SavedModels on the CPU, through the C API of a
// library found at run time.

#include <malloc.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "backends/backend.h"
#include "backends/tensorflow/tf_api.h"
#include "backends/tensorflow/tf_model.h"

namespace sarai::backends::tensorflow {
namespace {

class TensorflowBackend final : public Backend {
 public:
  TensorflowBackend(std::shared_ptr<const TfApi> api, int threads)
      : runtime_(std::make_shared<TfRuntime>()) {
    runtime_->api = std::move(api);
    runtime_->threads = threads;
  }

  std::string name() const override { return "tensorflow"; }
  std::string runtime_version() const override { return runtime_->api->TF_Version(); }

  Result<std::unique_ptr<BackendModel>> Load(const ModelSpec& spec) override {
    if (spec.platform == "tensorflow_graphdef")
      return Error(Code::kUnimplemented,
                   "a GraphDef (platform tensorflow_graphdef) cannot be served: save the model as "
                   "a SavedModel");
    return TfModel::Load(runtime_, spec);
  }

  void ReleaseMemory() override { malloc_trim(0); }

 private:
  const std::shared_ptr<TfRuntime> runtime_;
};

}  // namespace
}  // namespace sarai::backends::tensorflow

extern "C" __attribute__((visibility("default"))) sarai::backends::Backend* SaraiMakeBackend(
    const sarai::backends::BackendOptions* options, std::string* error) {
  using namespace sarai::backends::tensorflow;
  // Its notes on how it was built, one for each processor feature, go to stderr.
  setenv("TF_CPP_MIN_LOG_LEVEL", "2", /*overwrite=*/0);  // NOLINT(concurrency-mt-unsafe): at start
  auto api = TfApi::Open(*options);
  if (api) return new TensorflowBackend(*std::move(api), options->intra_op_threads);
  *error = api.error().message();
  return nullptr;
}
