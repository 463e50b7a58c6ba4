// A model in a backend host, seen from the parent.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/host/host_life.h"

namespace sarai::backends::host {

class RemoteModel final : public BackendModel {
 public:
  static Result<std::unique_ptr<RemoteModel>> Load(std::shared_ptr<HostLife> life,
                                                   const ModelSpec& spec, Duration call_timeout);
  ~RemoteModel() override;

  const Signature& signature() const override { return signature_; }
  Status Prepare(const ModelSpec& spec) override;
  Result<std::vector<Tensor>> Execute(const std::vector<Tensor>& inputs,
                                      const ExecuteContext& context) override;
  // As of the latest reply.
  uint64_t memory_bytes() const override { return memory_bytes_.load(std::memory_order_relaxed); }

 private:
  RemoteModel(std::shared_ptr<HostLife> life, std::string name, Duration call_timeout)
      : life_(std::move(life)), name_(std::move(name)), call_timeout_(call_timeout) {}
  Status Do(const HostLife::Call& call, const HostLife::ReadReply& read);

  const std::shared_ptr<HostLife> life_;
  const std::string name_;
  const Duration call_timeout_;
  uint64_t id_ = 0;  // constant after Load, as the signature
  Signature signature_;
  std::atomic<uint64_t> memory_bytes_{0};
};

}  // namespace sarai::backends::host
