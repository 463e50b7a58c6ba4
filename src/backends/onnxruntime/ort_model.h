// One ONNX model: a session of the shared runtime.
//
// Owned by the engine. Runs may overlap: a session has no state between runs, so one serves any
// number of lanes.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/common/memory_account.h"
#include "backends/onnxruntime/ort_runtime.h"

namespace sarai::backends::ort {

class OrtModel final : public BackendModel {
 public:
  static Result<std::unique_ptr<OrtModel>> Load(std::shared_ptr<OrtRuntime> runtime,
                                                const ModelSpec& spec);

  const Signature& signature() const override { return signature_; }
  Status Prepare(const ModelSpec& spec) override;
  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const ExecuteContext& context) override;
  uint64_t memory_bytes() const override { return account_->bytes() + uncounted_bytes_; }

 private:
  struct Inputs;

  OrtModel(std::shared_ptr<OrtRuntime> runtime, ModelSpec spec);
  Result<Inputs> MakeInputs(const std::vector<Tensor>& tensors);

  // Constant after Prepare. The order matters: the session goes first.
  const std::shared_ptr<OrtRuntime> runtime_;
  const std::shared_ptr<MemoryAccount> account_;
  ModelSpec spec_;
  Signature signature_;
  uint64_t uncounted_bytes_ = 0;
  Owned<OrtSession> session_;
};

}  // namespace sarai::backends::ort
