#include "policy/residency/waiting.h"

#include <algorithm>
#include <tuple>

namespace sarai::policy::residency {

bool EarlierTurn::operator()(const Model* a, const Model* b) const {
  return std::tuple(a->waiting.empty(), a->demand.ticket, a->serial) <
         std::tuple(b->waiting.empty(), b->demand.ticket, b->serial);
}

bool Waiting::EarlierDeadline::operator()(const Model* a, const Model* b) const {
  return std::tuple(*a->deadline, a->serial) < std::tuple(*b->deadline, b->serial);
}

Waiting::Waiting(const ResidencyOptions& options)
    : wait_budget_(options.wait_budget),
      per_model_max_(options.max_waiting_per_model),
      total_max_(options.max_waiting_total) {}

Status Waiting::Full(const Model& model) const {
  if (model.waiting.size() >= per_model_max_) {
    return MakeStatus(Code::kUnavailable,
                      "{} requests wait for model '{}' already (max_waiting_per_model): try again",
                      model.waiting.size(), model.name);
  }
  if (total_ >= total_max_) {
    return MakeStatus(Code::kUnavailable,
                      "{} requests wait for models already (max_waiting_total), one more for '{}' "
                      "is refused: try again",
                      total_, model.name);
  }
  return {};
}

template <typename Change>
void Waiting::KeepingLine(Model& model, Change change) {
  const bool was_in_line = model.in_line;
  Dequeue(model);
  change();
  if (was_in_line) Enqueue(model);
}

void Waiting::Activate(Model& model) {
  if (!model.demand.active) model.demand = {.active = true};
}

void Waiting::Join(Model& model, TimePoint now) {
  KeepingLine(model, [&] {
    Activate(model);
    if (model.waiting.empty()) model.demand.ticket = next_ticket_++;
    if (!model.waiting.empty()) now = std::max(now, model.waiting.back());
    model.waiting.push_back(now);
    model.demand.until = now + wait_budget_;
    ++total_;
  });
}

void Waiting::Want(Model& model, TimePoint now) {
  KeepingLine(model, [&] {
    Activate(model);
    if (model.demand.ticket == 0) model.demand.ticket = next_ticket_++;
    model.demand.wanted = true;
    model.demand.until = std::max(model.demand.until, now + wait_budget_);
  });
}

uint32_t Waiting::TakeAll(Model& model) {
  Dequeue(model);
  const auto count = static_cast<uint32_t>(model.waiting.size());
  total_ -= count;
  model.waiting = {};  // gives the memory back: most models have nobody waiting
  model.demand = {};
  return count;
}

uint32_t Waiting::TakeExpired(Model& model, TimePoint now) {
  const auto is_expired = [&](TimePoint arrived) { return arrived + wait_budget_ <= now; };
  const auto end = std::ranges::find_if_not(model.waiting, is_expired);
  const auto count = static_cast<uint32_t>(end - model.waiting.begin());
  KeepingLine(model, [&] { model.waiting.erase(model.waiting.begin(), end); });
  total_ -= count;
  return count;
}

void Waiting::Enqueue(Model& model) {
  if (model.in_line || !model.demand.active || model.deleting) return;
  if (model.state == ModelState::kAbsent) {
    model.in_line = fetch_line_.insert(&model).second;
  } else if (model.state == ModelState::kOnDisk) {
    model.in_line = load_line_.insert(&model).second;
  }
}

void Waiting::Dequeue(Model& model) {
  if (!model.in_line) return;
  (model.state == ModelState::kAbsent ? fetch_line_ : load_line_).erase(&model);
  model.in_line = false;
}

std::optional<TimePoint> Waiting::DeadlineOf(const Model& model) const {
  if (!model.waiting.empty()) return model.waiting.front() + wait_budget_;
  if (model.in_line) return model.demand.until;
  if (model.retiring && model.state == ModelState::kReady) return model.retiring->unload_by;
  return std::nullopt;
}

void Waiting::Rearm(Model& model) {
  const auto deadline = DeadlineOf(model);
  if (deadline == model.deadline) return;
  Disarm(model);
  model.deadline = deadline;
  if (deadline) deadlines_.insert(&model);
}

void Waiting::Disarm(Model& model) {
  if (model.deadline) deadlines_.erase(&model);
  model.deadline.reset();
}

Model* Waiting::Due(TimePoint now) const {
  if (deadlines_.empty() || *(*deadlines_.begin())->deadline > now) return nullptr;
  return *deadlines_.begin();
}

std::optional<TimePoint> Waiting::NextDeadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return (*deadlines_.begin())->deadline;
}

}  // namespace sarai::policy::residency
