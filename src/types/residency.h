// Where a model's bytes are on one instance.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sarai {

//   Absent -> Fetching -> OnDisk -> Loading -> Ready -> Draining -> OnDisk -> Absent
enum class ModelState { kAbsent, kFetching, kOnDisk, kLoading, kReady, kDraining };

constexpr std::string_view ModelStateName(ModelState state) {
  switch (state) {
    case ModelState::kAbsent: return "absent";
    case ModelState::kFetching: return "fetching";
    case ModelState::kOnDisk: return "on_disk";
    case ModelState::kLoading: return "loading";
    case ModelState::kReady: return "ready";
    case ModelState::kDraining: return "draining";
  }
  return "unknown";
}

// One line of an instance's residency feed.
struct ModelResidency {
  std::string model;  // TargetModel or repository name
  ModelState state = ModelState::kAbsent;
  uint64_t memory_bytes = 0;  // measured once loaded, an estimate before
  uint64_t disk_bytes = 0;
  int64_t in_flight = 0;  // requests waiting or running
};

}  // namespace sarai
