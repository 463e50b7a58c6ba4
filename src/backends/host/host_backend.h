// A backend that lives in a process of its own: the same seam, but a crash of the framework costs
// the calls in flight and its loaded models, not the instance.
//
// The parent's side. Owned by the engine's registry; its models must go before it does.
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "backends/host/host_options.h"
#include "backends/host/host_process.h"

namespace sarai::backends::host {

class HostBackend final : public Backend {
 public:
  // Starts no process: the first Load does.
  explicit HostBackend(const HostOptions& options);
  ~HostBackend() override;

  std::string name() const override { return options_.backend; }
  std::string runtime_version() const override { return process_.runtime_version(); }
  // Errors besides the backend's own: kUnavailable when the host died meanwhile, or keeps dying.
  Result<std::unique_ptr<BackendModel>> Load(const ModelSpec& spec) override;
  void ReleaseMemory() override;
  void OnModelsLost(std::function<void(Status why)> callback) override;
  std::vector<int> process_ids() const override;

  int calls_in_flight() const;

 private:
  const HostOptions options_;
  HostProcess process_;
};

}  // namespace sarai::backends::host
