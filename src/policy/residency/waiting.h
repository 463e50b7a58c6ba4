// Who waits: per model the arrivals of its requests, the two lines in which models wait for their
// turn (to be fetched, to be loaded), and when the next wait ends.
#pragma once

#include <set>

#include "policy/residency.h"
#include "policy/residency/model.h"

namespace sarai::policy::residency {

// Models whose requests wait come first, by first wait; then those that nobody waits for.
struct EarlierTurn {
  bool operator()(const Model* a, const Model* b) const;
};
using Line = std::set<Model*, EarlierTurn>;

class Waiting {
 public:
  explicit Waiting(const ResidencyOptions& options);

  // Why one more request may not wait for the model; OK if it may.
  Status Full(const Model& model) const;
  // The model has one more waiting request, and with it a demand.
  void Join(Model& model, TimePoint now);
  // A demand without a request.
  void Want(Model& model, TimePoint now);
  // All waiting requests of the model leave, and the demand ends; returns how many they were.
  uint32_t TakeAll(Model& model);
  // Those leave whose wait budget is spent; the demand stays.
  uint32_t TakeExpired(Model& model, TimePoint now);

  // Puts the model into the line of its state: absent ones wait to be fetched, those on disk to be
  // loaded, others for the end of what is under way. Only models with a demand wait.
  void Enqueue(Model& model);
  void Dequeue(Model& model);
  const Line& fetch_line() const { return fetch_line_; }
  const Line& load_line() const { return load_line_; }

  // Files anew when the model's next wait ends. To be called after every change of it.
  void Rearm(Model& model);
  void Disarm(Model& model);
  // The model whose wait ends first, if that is by `now`.
  Model* Due(TimePoint now) const;
  std::optional<TimePoint> NextDeadline() const;

  uint32_t total() const { return total_; }

 private:
  struct EarlierDeadline {
    bool operator()(const Model* a, const Model* b) const;
  };
  // Runs `change`, which may alter the model's place in line.
  template <typename Change>
  void KeepingLine(Model& model, Change change);
  std::optional<TimePoint> DeadlineOf(const Model& model) const;
  void Activate(Model& model);

  const Duration wait_budget_;
  const uint32_t per_model_max_;
  const uint32_t total_max_;
  uint32_t total_ = 0;
  uint64_t next_ticket_ = 1;
  Line fetch_line_;
  Line load_line_;
  std::set<Model*, EarlierDeadline> deadlines_;
};

}  // namespace sarai::policy::residency
