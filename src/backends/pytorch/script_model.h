// One TorchScript model. Includes the framework: only for this folder.
//
// Owned by the engine, or by the host process. Runs may overlap: forward() of a module in eval mode
// changes nothing in it.
#pragma once

#include <torch/csrc/jit/api/module.h>

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/common/memory_account.h"
#include "backends/pytorch/script_values.h"

namespace sarai::backends::torchscript {

// Parameters of the model's config with an effect (all others are free text and are ignored):
//   INFERENCE_MODE               "true": no gradients, no version counters (default). "false" lets
//                                forward() itself compute gradients.
//   DISABLE_OPTIMIZED_EXECUTION  "true": the graph runs as it was saved.
//   FREEZE                       "true": weights become constants of the graph at load; slower to
//                                load, some 5 % quicker to run.
// Known from Triton but process-wide in the framework, so without effect on a single model:
// ENABLE_JIT_EXECUTOR, ENABLE_JIT_PROFILING, ENABLE_TENSOR_FUSER. The backend reads
// INTRA_OP_THREAD_COUNT and INTER_OP_THREAD_COUNT.
struct ScriptOptions {
  bool inference_mode = true;
  bool optimized = true;
  bool freeze = false;

  static Result<ScriptOptions> FromParameters(const std::map<std::string, std::string>& parameters);
};

class ScriptModel final : public BackendModel {
 public:
  static Result<std::unique_ptr<ScriptModel>> Load(const ModelSpec& spec);
  ~ScriptModel() override;

  // TorchScript knows no element types, no shapes and no names of outputs: empty.
  const Signature& signature() const override { return signature_; }
  Status Prepare(const ModelSpec& spec) override;
  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const ExecuteContext& context) override;
  uint64_t memory_bytes() const override { return account_->bytes() + uncounted_bytes_; }

 private:
  // How one input of the config reaches forward().
  struct Input {
    std::string name;
    size_t position = 0;
    ArgumentKind kind = ArgumentKind::kTensor;
  };

  ScriptModel(ModelSpec spec, ScriptOptions options);
  Status LoadModule();
  Status MapArguments();
  Status MapInput(const TensorSpec& spec, size_t position);
  Status CheckStrings(const TensorSpec& tensor) const;
  Status FillDefaults(const std::vector<size_t>& given);
  Result<std::vector<c10::IValue>> MakeArguments(const std::vector<Tensor>& inputs) const;
  Result<std::vector<c10::IValue>> MakeDict(const std::vector<Tensor>& inputs) const;
  Result<c10::IValue> Run(std::vector<c10::IValue> arguments) const;
  Result<c10::IValue> Pick(const c10::IValue& returned, size_t output) const;

  // Constant after Prepare.
  const ScriptOptions options_;
  const std::shared_ptr<MemoryAccount> account_;
  ModelSpec spec_;
  const Signature signature_;
  uint64_t uncounted_bytes_ = 0;
  std::unique_ptr<torch::jit::Module> module_;
  bool writes_arguments_ = false;  // the graph has operators that change a tensor in place
  bool takes_dict_ = false;        // forward(inputs: Dict[str, Tensor])
  std::vector<Input> inputs_;
  std::vector<c10::IValue> defaults_;          // one per argument; what inputs do not replace
  std::vector<TensorSpec> framework_outputs_;  // the spec's, then states
  std::vector<size_t> output_positions_;       // of framework_outputs_
};

}  // namespace sarai::backends::torchscript
