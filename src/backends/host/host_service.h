// What a backend host does with a call: the backend's models, by number. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "backends/backend.h"
#include "backends/host/byte_codec.h"
#include "backends/host/messages.h"
#include "base/status.h"
#include "types/tensor.h"

namespace sarai::backends::host {

// Everything after the reply's status.
struct Answer {
  Writer message;
  std::vector<Tensor> tensors;
  std::shared_ptr<BackendModel> model;  // whose bytes the reply reports; may be null
};

class HostService {
 public:
  explicit HostService(Result<std::unique_ptr<Backend>> backend) : backend_(std::move(backend)) {}

  // `data` is where the call's tensors lie. Errors: the backend's; kInternal for a call that makes
  // no sense.
  Result<Answer> Handle(CallKind kind, Reader& message, std::span<const std::byte> data);

 private:
  Result<Answer> Hello() const;
  Result<Answer> Load(Reader& message);
  Result<Answer> Prepare(Reader& message) const;
  Result<Answer> Execute(Reader& message, std::span<const std::byte> data) const;
  Result<Answer> Unload(Reader& message);
  Result<std::shared_ptr<BackendModel>> Find(uint64_t id) const;

  const Result<std::unique_ptr<Backend>> backend_;  // or why it could not start
  mutable std::mutex mu_;
  std::map<uint64_t, std::shared_ptr<BackendModel>> models_;  // guarded by mu_
  uint64_t last_id_ = 0;                                      // guarded by mu_
};

}  // namespace sarai::backends::host
