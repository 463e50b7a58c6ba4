// Who gets room, and who goes for it.
//
// Models wait in two lines, for a fetch and for a load. After every event each line is walked from
// its head, with what the tier has free and what is on its way out:
//  - who fits into what is free starts, unless that was promised to one ahead;
//  - who fits once the bytes on their way out are there holds its slot and waits for them;
//  - else victims are chosen, all at once or none;
//  - who finds too few victims stays in line. Those behind it may use what is free, but evict
//  nobody
//    until it has had room_patience to find its moment: idle models are its hope, not theirs.
#include <algorithm>

#include "policy/residency/impl.h"

namespace sarai::policy {

using residency::ChooseVictims;
using residency::kUnbounded;
using residency::Line;

struct Residency::Impl::LineRules {
  const Line& line;
  const Tier& tier;
  int free_slots;
  Bytes (Books::*need)(const Model&) const;
  bool (Impl::*make_room)(const Shortage&, Bytes, TimePoint, ResidencyActions&);
  void (Impl::*start)(Model&, TimePoint, ResidencyActions&);
};

struct Residency::Impl::LinePass {
  int free_slots = 0;
  Bytes promised = 0;           // to those ahead, out of what is on its way out
  Bytes hopeless = kUnbounded;  // so much could not be made free for one ahead
  bool evict = true;            // nobody ahead has the first claim on what becomes idle
  uint32_t without_room = 0;
};

void Residency::Impl::Serve(TimePoint now, ResidencyActions& actions) {
  short_of_room = false;
  served_at = now;
  RelieveMemory(now, actions);
  RelieveDisk(now, actions);
  ServeFetches(now, actions);
  ServeLoads(now, actions);
}

void Residency::Impl::ServeFetches(TimePoint now, ResidencyActions& actions) {
  const int slots = options.max_concurrent_fetches - books.count(ModelState::kFetching);
  ServeLine({waiting.fetch_line(), books.disk(), slots, &Books::DiskNeed, &Impl::MakeDisk,
             &Impl::StartFetch},
            now, actions);
}

void Residency::Impl::ServeLoads(TimePoint now, ResidencyActions& actions) {
  const int slots = options.max_concurrent_loads - books.count(ModelState::kLoading);
  ServeLine({waiting.load_line(), books.memory(), slots, &Books::MemoryNeed, &Impl::MakeMemory,
             &Impl::StartLoad},
            now, actions);
}

void Residency::Impl::ServeLine(const LineRules& rules, TimePoint now, ResidencyActions& actions) {
  LinePass pass{.free_slots = rules.free_slots};
  for (auto at = rules.line.begin(); at != rules.line.end() && pass.free_slots > 0;) {
    Model& model = **at++;  // it may leave the line below
    if (Status never = books.NeverFits(model); !never.ok()) {
      Fail(model, never, actions);
    } else if (TakeTurn(rules, pass, model, now, actions)) {
      --pass.free_slots;
    } else if (++pass.without_room > options.pass_lookahead) {
      return;
    }
  }
}

bool Residency::Impl::TakeTurn(const LineRules& rules, LinePass& pass, Model& model, TimePoint now,
                               ResidencyActions& actions) {
  const Bytes need = (books.*rules.need)(model);
  const Bytes missing = need - (rules.tier.FreeSoon() - pass.promised);
  if (missing <= 0 && need <= rules.tier.Free()) {
    (this->*rules.start)(model, now, actions);
    return true;
  }
  short_of_room = true;
  if (!pass.evict) return false;
  const Shortage shortage{&model, need, rules.tier.Free()};
  if (missing <= 0 ||
      (missing < pass.hopeless && (this->*rules.make_room)(shortage, missing, now, actions))) {
    pass.promised += need;
    return true;
  }
  pass.hopeless = std::min(pass.hopeless, missing);
  model.demand.no_room_since = std::min(model.demand.no_room_since, now);
  pass.evict = now >= model.demand.no_room_since + options.room_patience;
  return false;
}

bool Residency::Impl::MakeMemory(const Shortage& shortage, Bytes missing, TimePoint now,
                                 ResidencyActions& actions) {
  std::vector<Candidate> candidates;
  for (Model* model : books.ready()) {
    if (model->pinned || !model->idle()) continue;
    candidates.push_back({model, model->memory.bytes, worth.InMemory(*model, now)});
  }
  Shortage why = shortage;
  why.candidates = candidates.size();
  const auto victims = ChooseVictims(std::move(candidates), missing, shortage.for_model == nullptr);
  for (const Candidate& victim : victims) {
    StartUnload(*victim.model, WhyEvict(victim, why), now, actions);
  }
  return !victims.empty();
}

bool Residency::Impl::MakeDisk(const Shortage& shortage, Bytes missing, TimePoint now,
                               ResidencyActions& actions) {
  std::vector<Candidate> candidates;
  const auto consider = [&](Model* model, int reluctance) {
    if (model->pinned || !model->deletable || model->deleting || !model->idle()) return;
    candidates.push_back({model, model->disk.bytes, worth.OnDisk(*model, now), reluctance});
  };
  for (Model* model : books.on_disk()) consider(model, 0);
  for (Model* model : books.ready()) consider(model, 1);
  Shortage why = shortage;
  why.candidates = candidates.size();
  const auto victims = ChooseVictims(std::move(candidates), missing, shortage.for_model == nullptr);
  for (const Candidate& victim : victims) {
    if (victim.model->state == ModelState::kOnDisk) {
      StartDelete(*victim.model, WhyDelete(victim, why), actions);
      continue;
    }
    victim.model->delete_next = true;
    victim.model->delete_why = WhyDelete(victim, why);
    books.SetFilesLeaving(*victim.model);
    StartUnload(*victim.model, WhyEvict(victim, why), now, actions);
  }
  return !victims.empty();
}

void Residency::Impl::RelieveMemory(TimePoint now, ResidencyActions& actions) {
  const Bytes over = -books.memory().FreeSoon();
  if (over <= 0) return;
  MakeMemory({nullptr, over, books.memory().Free()}, over, now, actions);
  if (books.memory().FreeSoon() < 0) short_of_room = true;
}

void Residency::Impl::RelieveDisk(TimePoint now, ResidencyActions& actions) {
  const Bytes over = -books.disk().FreeSoon();
  if (over <= 0) return;
  MakeDisk({nullptr, over, books.disk().Free()}, over, now, actions);
  if (books.disk().FreeSoon() < 0) short_of_room = true;
}

}  // namespace sarai::policy
