#include "instance/overhead_meter.h"

#include <unistd.h>

#include <utility>

#include "base/bytes.h"
#include "base/log.h"
#include "telemetry/process_stats.h"

namespace sarai::instance {
namespace {

uint64_t Less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

uint64_t BytesOf(int pid) { return telemetry::AnonymousBytes(pid).value_or(0); }

}  // namespace

OverheadMeter::OverheadMeter(const engine::BackendRegistry& registry)
    : registry_(registry), own_baseline_bytes_(BytesOf(::getpid())) {}

uint64_t OverheadMeter::HeldBytes() const {
  std::set<int> pids = {::getpid()};
  for (const int pid : registry_.process_ids()) pids.insert(pid);
  uint64_t bytes = 0;
  for (const int pid : pids) bytes += BytesOf(pid);
  return bytes;
}

Result<engine::ModelHandle> OverheadMeter::Load(engine::Engine& engine,
                                                const engine::LoadOptions& options) {
  const auto inspected = engine::InspectDirectory(options);
  const std::string backend = inspected ? inspected->spec.backend : "";
  bool first = false;
  {
    std::lock_guard lock(mu_);
    first = !backend.empty() && !measured_backends_.contains(backend);
  }
  if (first) return LoadFirst(engine, options, backend);
  std::shared_lock lock(first_load_mu_);
  return engine.Load(options);
}

Result<engine::ModelHandle> OverheadMeter::LoadFirst(engine::Engine& engine,
                                                     const engine::LoadOptions& options,
                                                     const std::string& backend) {
  std::lock_guard alone(first_load_mu_);
  const uint64_t before = HeldBytes();
  auto handle = engine.Load(options);
  if (!handle) return handle;
  const uint64_t grown = Less(HeldBytes(), before);
  const uint64_t framework = Less(grown, handle->info().memory_bytes);
  std::lock_guard lock(mu_);
  if (measured_backends_.insert(backend).second) {
    framework_bytes_ += framework;
    LogInfo("instance", "backend '{}' itself takes {}", backend, FormatBytes(framework));
  }
  return handle;
}

OverheadMeter::Reading OverheadMeter::Read(uint64_t book_bytes) const {
  const uint64_t held = HeldBytes();
  std::lock_guard lock(mu_);
  return {.held_bytes = held,
          .overhead_bytes = Less(held, own_baseline_bytes_ + framework_bytes_ + book_bytes)};
}

}  // namespace sarai::instance
