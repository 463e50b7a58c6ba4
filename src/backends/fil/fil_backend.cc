// The FIL backend: libsarai_fil.so. Tree models on the CPU, under the name and with the files and
// parameters of Triton's Forest Inference Library backend.

#include <malloc.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "backends/backend.h"
#include "backends/fil/fil_model.h"
#include "backends/fil/fil_parameters.h"
#include "backends/fil/libraries.h"
#include "base/log.h"

namespace sarai::backends::fil {
namespace {

// Bytes that the heap has given out, large blocks included.
uint64_t HeapBytes() {
  const struct mallinfo2 heap = mallinfo2();
  return heap.uordblks + heap.hblkhd;
}

int Cores() { return std::max<int>(1, static_cast<int>(std::thread::hardware_concurrency())); }

class FilBackend final : public Backend {
 public:
  explicit FilBackend(int threads) : threads_(threads), libraries_(threads) {}

  std::string name() const override { return "fil"; }
  std::string runtime_version() const override { return "xgboost, lightgbm, treelite"; }
  Result<std::unique_ptr<BackendModel>> Load(const ModelSpec& spec) override;
  void ReleaseMemory() override { malloc_trim(0); }

 private:
  int ThreadsOf(const ModelSpec& spec, const FilParameters& parameters) const;

  const int threads_;  // of one run, where the model does not say
  Libraries libraries_;
  std::mutex loading_;  // so that the heap's growth is one model's
};

int FilBackend::ThreadsOf(const ModelSpec& spec, const FilParameters& parameters) const {
  const int asked = parameters.threads.value_or(threads_);
  const int threads = asked > 0 ? asked : Cores();
  if (parameters.format == Format::kLightgbm && parameters.threads && threads != threads_)
    LogInfo("backends",
            "'{}' asks for {} threads, but LightGBM has one number for all models, {}: "
            "--backend-config=fil,cpu_nthread=N sets it",
            spec.name, threads, threads_);
  return threads;
}

Result<std::unique_ptr<BackendModel>> FilBackend::Load(const ModelSpec& spec) {
  SARAI_TRY(const FilParameters parameters, ParseFilParameters(spec));
  const ForestOptions options = {
      .format = parameters.format,
      .path = spec.artifact,
      .threads = ThreadsOf(spec, parameters),
      .class_scores = parameters.is_classifier || parameters.predict_proba,
      .unknown_fields = parameters.unknown_fields};
  const std::lock_guard lock(loading_);
  const uint64_t before = HeapBytes();
  SARAI_TRY(ForestPtr forest, libraries_.Load(options));
  const uint64_t after = HeapBytes();
  return std::make_unique<FilModel>(std::move(forest), parameters, spec,
                                    after > before ? after - before : 0);
}

Result<Backend*> MakeBackend(const BackendOptions& options) {
  SARAI_TRY(const auto asked, ThreadsParameter(options.settings));
  const int threads = asked.value_or(std::max(options.intra_op_threads, 1));
  return new FilBackend(threads > 0 ? threads : Cores());
}

}  // namespace
}  // namespace sarai::backends::fil

extern "C" __attribute__((visibility("default"))) sarai::backends::Backend* SaraiMakeBackend(
    const sarai::backends::BackendOptions* options, std::string* error) {
  auto backend = sarai::backends::fil::MakeBackend(*options);
  if (backend) return *backend;
  *error = backend.error().message();
  return nullptr;
}
