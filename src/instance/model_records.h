// What the model manager knows of each name and each version of it. Plain values, touched on its
// strand only.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "instance/artifact_source.h"
#include "instance/catalog.h"
#include "instance/serving_table.h"

namespace sarai::instance {

using StatusCallback = std::move_only_function<void(Status)>;

// Somebody who wants the model loaded: an inference, an explicit load, a metadata request.
struct Waiter {
  TimePoint since;
  // An explicit load: it is about the newest version, and hears of that one's failure. Others are
  // content with any version that serves.
  bool newest = false;
  // Was it ready when asked for? Set before `done` is called.
  bool waited = false;
  // Called exactly once, on the strand.
  std::move_only_function<void(Result<ServingModelPtr>, bool waited)> done;
};

// One version of one model; `id` is its name in policy::Residency.
//   "NAME@TAG" or "NAME@TAG#N" for the N-th configuration that was laid over it
struct ModelVersion {
  std::string id, name;
  ModelOrigin origin;
  FoundVersion found;
  std::string config_json;       // laid over the model's own; empty = none
  std::string digest;            // kSource, once on disk
  std::string directory;         // the unpacked artifact, or the user's folder; empty = not on disk
  std::deque<Waiter> waiting;    // as many as the policy counts, in its order
  ServingModelPtr serving;       // while ready
  engine::ModelHandle draining;  // while draining
  bool retiring = false;
  bool failed = false;                   // its last fetch or load did, and none succeeded since
  Duration fetch_time{0}, load_time{0};  // the last ones
  TimePoint fetched_at{}, load_ended_at{};
  WallTime loaded_at{};
};

// One name. `current` is the version that requests get; `next` is on its way to replace it.
struct ModelEntry {
  std::string name;
  ModelOrigin origin;
  std::string current, next;   // version ids; empty = none
  std::string rejected;        // a version that did not load while another served: not tried again
  std::string config_json;     // by an explicit load
  uint64_t config_number = 0;  // of that configuration; 0 = the model's own
  bool held = false;           // unloaded by an explicit call: until an explicit load
  bool unload_wanted = false;  // an unload came while it was loading
  bool gone = false;           // its object was deleted; it goes on answering while loaded
  bool looking_up = false;
  bool made_room = false;         // the old version was unloaded to let the next one in
  std::deque<Waiter> unresolved;  // wait for the look-up
  TimePoint check_at{};           // next look at the origin
  std::vector<StatusCallback> unload_callbacks;
  // For `explain`.
  Status last_error;
  WallTime last_error_at{};
  std::string last_unload_reason;
  WallTime last_unload_at{};
  uint64_t loads = 0, evictions = 0;
  std::vector<std::string> versions;  // version folders at the last load
};

}  // namespace sarai::instance
