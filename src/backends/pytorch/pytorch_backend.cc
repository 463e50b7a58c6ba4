// The PyTorch backend: libsarai_pytorch.so. TorchScript on the CPU.

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <c10/core/CPUAllocator.h>
#include <malloc.h>
#include <torch/version.h>

#include <memory>
#include <mutex>
#include <new>
#include <string>

#include "backends/backend.h"
#include "backends/common/counted_memory.h"
#include "backends/common/parameters.h"
#include "backends/pytorch/script_model.h"
#include "backends/pytorch/torch_errors.h"
#include "base/log.h"

namespace sarai::backends::torchscript {
namespace {

constexpr int kThreadsMax = 1024;
constexpr uint8_t kAllocatorPriority = 200;  // the framework's own have 0

// All tensor memory of the framework. It keeps the pointer for ever.
class CountingAllocator final : public at::Allocator {
 public:
  at::DataPtr allocate(size_t bytes) override {
    if (bytes == 0) return {nullptr, nullptr, &CountedFree, at::Device(at::kCPU)};
    void* block = CountedAllocate(bytes);
    if (block == nullptr) throw std::bad_alloc();
    return {block, block, &CountedFree, at::Device(at::kCPU)};
  }
  at::DeleterFnPtr raw_deleter() const override { return &CountedFree; }
  void copy_data(void* to, const void* from, size_t bytes) const override {
    default_copy_data(to, from, bytes);
  }
};

// Thread counts belong to the whole process: the first model that asks for one decides, as in
// Triton, unless the backend's option has decided already.
class ThreadCounts {
 public:
  explicit ThreadCounts(int intra_op) {
    if (intra_op <= 0) return;
    intra_op_set_ = true;
    at::set_num_threads(intra_op);
  }

  Status Apply(const ModelSpec& spec) {
    const auto intra = IntParameter(spec.parameters, "INTRA_OP_THREAD_COUNT", 0, kThreadsMax);
    if (!intra) return intra.error();
    const auto inter = IntParameter(spec.parameters, "INTER_OP_THREAD_COUNT", 0, kThreadsMax);
    if (!inter) return inter.error();
    const std::lock_guard lock(mu_);
    if (intra->value_or(0) > 0) Set(spec, **intra, intra_op_set_, at::set_num_threads);
    if (inter->value_or(0) > 0) Set(spec, **inter, inter_op_set_, at::set_num_interop_threads);
    return {};
  }

 private:
  static void Set(const ModelSpec& spec, int count, bool& set, void (*apply)(int)) {
    if (set) {
      LogInfo("backends",
              "'{}' asks PyTorch for {} threads, but the process has its number already", spec.name,
              count);
      return;
    }
    set = true;
    apply(count);
  }

  std::mutex mu_;
  bool intra_op_set_ = false;  // guarded by mu_
  bool inter_op_set_ = false;  // guarded by mu_
};

class PytorchBackend final : public Backend {
 public:
  explicit PytorchBackend(const BackendOptions& options) : threads_(options.intra_op_threads) {}

  std::string name() const override { return "pytorch"; }
  std::string runtime_version() const override { return TORCH_VERSION; }

  Result<std::unique_ptr<BackendModel>> Load(const ModelSpec& spec) override {
    try {
      SARAI_CHECK_OK(threads_.Apply(spec));
    } catch (...) {
      return Error(CurrentException(Code::kInvalidArgument));
    }
    return ScriptModel::Load(spec);
  }

  void ReleaseMemory() override { malloc_trim(0); }

 private:
  ThreadCounts threads_;
};

}  // namespace
}  // namespace sarai::backends::torchscript

extern "C" __attribute__((visibility("default"))) sarai::backends::Backend* SaraiMakeBackend(
    const sarai::backends::BackendOptions* options, std::string* error) {
  using namespace sarai::backends::torchscript;
  try {
    static auto* allocator = new CountingAllocator;
    c10::SetCPUAllocator(allocator, kAllocatorPriority);
    return new PytorchBackend(*options);
  } catch (...) {
    *error = CurrentException(sarai::Code::kInternal).message();
    return nullptr;
  }
}
