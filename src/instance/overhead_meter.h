// Memory that models cost beyond their own measured bytes: allocator slack, activations, request
// buffers.
//
//   overhead = anonymous bytes of this process and of all backend hosts
//            - what this process held before anything was loaded
//            - what each framework itself took at its first load
//            - the models' measured bytes
//
// A framework's own cost is what its first load took beyond the model's bytes; that load runs
// alone, so that no other one is mistaken for it. Pages of files (code, mapped weights) do not
// count: the kernel can drop them.
//
// Threads: any. Blocks on /proc and, in Load, on the load.
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>

#include "base/status.h"
#include "engine/backend_registry.h"
#include "engine/engine.h"

namespace sarai::instance {

class OverheadMeter {
 public:
  // Call before the first load: takes this process's baseline.
  explicit OverheadMeter(const engine::BackendRegistry& registry);

  // Engine::Load, with the framework's own cost told apart.
  Result<engine::ModelHandle> Load(engine::Engine& engine, const engine::LoadOptions& options);

  struct Reading {
    uint64_t held_bytes = 0;  // by all processes
    uint64_t overhead_bytes = 0;
  };
  // `book_bytes`: what the residency books say that models hold.
  Reading Read(uint64_t book_bytes) const;

 private:
  uint64_t HeldBytes() const;
  Result<engine::ModelHandle> LoadFirst(engine::Engine& engine, const engine::LoadOptions& options,
                                        const std::string& backend);

  const engine::BackendRegistry& registry_;
  const uint64_t own_baseline_bytes_;

  std::shared_mutex first_load_mu_;  // a backend's first load: exclusive; others: shared
  mutable std::mutex mu_;
  std::set<std::string> measured_backends_;  // guarded by mu_
  uint64_t framework_bytes_ = 0;             // guarded by mu_
};

}  // namespace sarai::instance
