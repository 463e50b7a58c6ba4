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
#include "policy/model_control.h"

namespace sarai::instance {

using StatusCallback = std::move_only_function<void(Status)>;

// Somebody who wants the model loaded: an inference, an explicit load, a metadata request.
struct Waiter {
  TimePoint since;
  // An explicit load: it is about the newest version, hears of that one's failure, and waits as
  // long as its load takes. Others are content with any version that serves.
  bool newest = false;
  // Was it ready when asked for? Set before `done` is called.
  bool waited = false;
  // Called exactly once, on the strand.
  std::move_only_function<void(Result<ServingModelPtr>, bool waited)> done;
};

// Where a name's files are and which configuration holds: the repository's, or what an explicit
// load brought.
struct ModelForm {
  ModelOrigin origin;
  std::string config_json;     // instead of the model's own; empty = its own
  uint64_t config_number = 0;  // tells forms of the same files apart; 0 = the model's own
  std::shared_ptr<const std::string> files;  // the folder of files that a load brought; null = none
  bool brought() const { return !config_json.empty() || files != nullptr; }
};

// One version of one model; `id` is its name in policy::Residency.
//   "NAME@TAG" or "NAME@TAG#N" for the N-th form of it
struct ModelVersion : ModelForm {
  std::string id, name;
  FoundVersion found;
  std::string digest;          // kSource, once on disk
  std::string directory;       // the unpacked artifact, or the user's folder; empty = not on disk
  std::deque<Waiter> waiting;  // as many as the policy counts, in its order
  std::deque<Waiter> wishers;  // explicit loads: the policy knows that it is wanted
  int wish_renewals = 0;
  ServingModelPtr serving;       // while ready
  engine::ModelHandle draining;  // while draining
  bool retiring = false;
  bool failed = false;                   // its last fetch or load did, and none succeeded since
  Duration fetch_time{0}, load_time{0};  // the last ones
  TimePoint fetched_at{}, load_ended_at{};
  WallTime loaded_at{};
};

// One name. `current` is the version that requests get; `next` is on its way to replace it.
struct ModelEntry : ModelForm {
  std::string name;
  std::string current, next;  // version ids; empty = none
  std::string rejected;       // a version that did not load while another served: not tried again
  policy::ControlState control;
  bool by_itself = false;      // loaded for its own sake, not as a step of an ensemble
  uint64_t form_number = 0;    // changes with the form: look-ups of an earlier one are void
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
  std::string config_error;  // of the last load, if its configuration was at fault
  std::string last_unload_reason;
  WallTime last_unload_at{};
  uint64_t loads = 0, evictions = 0;
  std::vector<std::string> versions;  // version folders at the last load
};

}  // namespace sarai::instance
