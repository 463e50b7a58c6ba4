// One known model: its row in the books, its waiting requests, and what is remembered of it while
// it holds nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "policy/residency/reuse.h"
#include "types/decision.h"
#include "types/residency.h"

namespace sarai::policy::residency {

using Bytes = int64_t;  // signed: differences of sizes are never wrapped

// What a model holds of a tier. `leaving`: it is being given back, but still counts as used.
struct Holding {
  Bytes bytes = 0;
  bool leaving = false;
};

// A reason to bring the model into memory: requests that wait for it, or OnWanted. It outlives its
// requests once a fetch or load has begun.
struct Demand {
  bool active = false;
  bool wanted = false;  // OnWanted: its end is told even when nobody waits
  uint64_t ticket = 0;  // its place in line, by first wait
  TimePoint until{};    // while in line with nobody waiting: when it is given up
  TimePoint no_room_since = TimePoint::max();  // the first time that no room could be made for it
};

struct Failure {
  Status status;
  TimePoint until{};
};

// How often the model's process has died under it.
struct Losses {
  int count = 0;
  TimePoint last{};
};

struct Retirement {
  Status why;
  TimePoint unload_by{};  // in use or not
};

struct Model {
  Model(std::string model_id, uint64_t number)
      : id(std::move(model_id)), serial(number), name(id) {}

  const std::string id;
  const uint64_t serial;  // order of registration; breaks ties
  std::string name;       // for messages

  ModelState state = ModelState::kAbsent;
  TimePoint state_since{};
  bool deletable = true;
  bool pinned = false;
  bool deleting = false;      // OnDisk, kDelete under way
  bool delete_next = false;   // Draining, its files go as well
  Decision delete_why;        // if so
  bool lost_in_load = false;  // Loading, its process is known to be dead

  Holding memory;
  Holding disk;
  // Sizes and costs, kept when the bytes are gone; 0 = unknown.
  Bytes file_bytes = 0;
  Bytes download_bytes = 0;
  Bytes measured_memory = 0;
  Duration fetch_time{0};
  Duration load_time{0};

  Reuse reuse;
  TimePoint last_used{};
  int64_t in_flight = 0;
  uint64_t admitted = 0;  // requests sent to the engine that OnUsage has not counted yet

  std::vector<TimePoint> waiting;  // arrivals, oldest first
  Demand demand;
  Failure failure;
  Losses losses;
  std::optional<Retirement> retiring;
  std::optional<TimePoint> deadline;  // as filed in Waiting
  bool in_line = false;               // in one of the two lines

  bool idle() const { return in_flight <= 0 && waiting.empty() && !demand.active; }
};

}  // namespace sarai::policy::residency
