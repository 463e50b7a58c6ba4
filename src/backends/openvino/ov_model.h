// One model in OpenVINO. Read by Load, compiled (or taken from the cache of compiled models) by
// Prepare, when shapes and types are known. Includes the framework: only for this folder.
//
// Owned by the engine, or by the host process. Runs may overlap: each has a request of its own.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/common/memory_account.h"
#include "backends/openvino/ov_runtime.h"
#include "backends/openvino/request_pool.h"

namespace sarai::backends::openvino {

class OvModel final : public BackendModel {
 public:
  static Result<std::unique_ptr<OvModel>> Load(std::shared_ptr<OvRuntime> runtime,
                                               const ModelSpec& spec);

  const Signature& signature() const override { return signature_; }
  Status Prepare(const ModelSpec& spec) override;
  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const ExecuteContext& context) override;
  uint64_t memory_bytes() const override { return loaded_bytes_ + account_->bytes(); }

 private:
  // Where a tensor of the config is in the model, by its name.
  using Ports = std::map<std::string, size_t>;

  OvModel(std::shared_ptr<OvRuntime> runtime, ModelSpec spec, ModelOptions options);
  Status Read();
  std::string CacheKey() const;
  ov::CompiledModel Compile() const;
  std::optional<ov::CompiledModel> FromCache(const std::string& key) const;
  Status FindPorts();
  Status SetInputs(RequestPool::Lease& request, const std::vector<Tensor>& inputs,
                   int64_t& rows) const;
  Result<ov::Tensor> ToFixedBatch(const Tensor& input, ov::Tensor value, int64_t& rows) const;
  void SetOutputs(RequestPool::Lease& request) const;

  const std::shared_ptr<OvRuntime> runtime_;
  const std::shared_ptr<MemoryAccount> account_;  // of outputs on their way
  // Constant after Prepare.
  ModelSpec spec_;
  ModelOptions options_;
  std::shared_ptr<ov::Core> core_;
  std::shared_ptr<ov::Model> graph_;  // until it is compiled
  Signature signature_;
  uint64_t loaded_bytes_ = 0;
  std::unique_ptr<RequestPool> requests_;
  Ports inputs_, outputs_;
};

}  // namespace sarai::backends::openvino
