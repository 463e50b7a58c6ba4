#include "backends/host/host_backend.h"

#include <utility>

#include "backends/host/remote_model.h"
#include "base/log.h"

namespace sarai::backends::host {

HostBackend::HostBackend(const HostOptions& options) : options_(options), process_(options) {}

HostBackend::~HostBackend() = default;

Result<std::unique_ptr<BackendModel>> HostBackend::Load(const ModelSpec& spec) {
  SARAI_TRY(auto life, process_.Get());
  return RemoteModel::Load(std::move(life), spec, options_.call_timeout);
}

void HostBackend::ReleaseMemory() {
  const auto life = process_.current();
  if (life == nullptr) return;
  const Status trimmed =
      life->Do({.lane = Lane::kControl, .kind = CallKind::kTrim, .doing = "giving memory back"},
               options_.call_timeout, nullptr);
  if (!trimmed.ok()) LogWarning("backends", "{}", trimmed.message());
}

void HostBackend::OnModelsLost(std::function<void(Status why)> callback) {
  process_.OnDeath(std::move(callback));
}

std::vector<int> HostBackend::process_ids() const {
  const auto life = process_.current();
  return life == nullptr ? std::vector<int>{} : std::vector<int>{life->pid()};
}

int HostBackend::calls_in_flight() const {
  const auto life = process_.current();
  return life == nullptr ? 0 : life->calls_in_flight();
}

}  // namespace sarai::backends::host
