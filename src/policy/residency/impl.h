// Residency's inside. It is one class by its state and several files by its work: events
// (events.cc), who gets room and who goes for it (rooms.cc), answers and actions (actions.cc).
#pragma once

#include <string_view>
#include <unordered_map>

#include "policy/residency.h"
#include "policy/residency/books.h"
#include "policy/residency/reasons.h"
#include "policy/residency/victims.h"
#include "policy/residency/waiting.h"
#include "policy/residency/worth.h"

namespace sarai::policy {

using residency::Books;
using residency::Bytes;
using residency::Candidate;
using residency::Model;
using residency::Shortage;
using residency::Tier;
using residency::Waiting;

struct Residency::Impl {
  using Kind = ResidencyAction::Kind;

  explicit Impl(const ResidencyOptions& given);

  // --- events.cc: what has happened -------------------------------------------------------------
  Model* Find(const std::string& id) const;
  void Add(const std::string& id, const Known& known);
  RequestOutcome Request(const std::string& id, TimePoint now, ResidencyActions& actions);
  void Want(Model& model, TimePoint now, ResidencyActions& actions);
  void Retire(Model& model, Status why, TimePoint now, ResidencyActions& actions);
  void Fetched(Model& model, Result<Residency::Fetched> result, TimePoint now,
               ResidencyActions& actions);
  void Loaded(Model& model, Result<Residency::Loaded> result, TimePoint now,
              ResidencyActions& actions);
  void Unloaded(Model& model, TimePoint now, ResidencyActions& actions);
  void Deleted(Model& model, TimePoint now, ResidencyActions& actions);
  void Lost(Model& model, TimePoint now, ResidencyActions& actions);
  void Usage(Model& model, const ModelUsage& usage, TimePoint now);
  void Tick(TimePoint now, ResidencyActions& actions);

  // Why a request for the model is not to wait at all; OK otherwise.
  Status WhyRefused(const Model& model, TimePoint now) const;
  void EndWaits(Model& model, TimePoint now, ResidencyActions& actions);
  // A load's process died; tries again while that is sensible, else fails.
  void LoadSpoilt(Model& model, const Status& status, TimePoint now, ResidencyActions& actions);
  void CountLoss(Model& model, TimePoint now);
  bool TooManyLosses(const Model& model, TimePoint now) const;

  // --- rooms.cc: who gets room ------------------------------------------------------------------
  // Carries on whatever can go on now: gets back under the budgets, then serves both lines.
  void Serve(TimePoint now, ResidencyActions& actions);
  void ServeFetches(TimePoint now, ResidencyActions& actions);
  void ServeLoads(TimePoint now, ResidencyActions& actions);
  // One pass over a line: what differs between the two lines, and what the pass has come to.
  struct LineRules;
  struct LinePass;
  void ServeLine(const LineRules& rules, TimePoint now, ResidencyActions& actions);
  // Whether the model takes a slot: it has started, or its room is on its way.
  bool TakeTurn(const LineRules& rules, LinePass& pass, Model& model, TimePoint now,
                ResidencyActions& actions);
  // Chooses victims that give `missing` bytes and starts their leaving; false = there are too few.
  bool MakeMemory(const Shortage& shortage, Bytes missing, TimePoint now,
                  ResidencyActions& actions);
  bool MakeDisk(const Shortage& shortage, Bytes missing, TimePoint now, ResidencyActions& actions);
  void RelieveMemory(TimePoint now, ResidencyActions& actions);
  void RelieveDisk(TimePoint now, ResidencyActions& actions);

  // --- actions.cc: what is to be done -----------------------------------------------------------
  void StartFetch(Model& model, TimePoint now, ResidencyActions& actions);
  void StartLoad(Model& model, TimePoint now, ResidencyActions& actions);
  void StartUnload(Model& model, Decision decision, TimePoint now, ResidencyActions& actions);
  void StartDelete(Model& model, Decision decision, ResidencyActions& actions);
  void Admit(Model& model, TimePoint now, ResidencyActions& actions);
  // All waiting requests of the model get the status, and its demand ends.
  void Fail(Model& model, const Status& status, ResidencyActions& actions);
  // The same, and later ones get it too, for a while.
  void FailAndRemember(Model& model, const Status& status, TimePoint now,
                       ResidencyActions& actions);
  // The next step of a model's retirement. May destroy the model: nothing may touch it after.
  void Reclaim(Model& model, TimePoint now, ResidencyActions& actions);
  void Forget(Model& model);

  Row RowOf(const Model& model, TimePoint now) const;

  const ResidencyOptions options;
  const residency::Worth worth;
  Books books;
  Waiting waiting;
  std::unordered_map<std::string, std::unique_ptr<Model>> models;
  std::unordered_set<Model*> retiring_in_use;  // Ready, waiting to become idle
  uint64_t next_serial = 0;
  bool short_of_room = false;  // somebody got no room when last served
  TimePoint served_at{};
};

}  // namespace sarai::policy
