// Answers and actions: each changes the books and says so in the same breath.
#include <algorithm>

#include "policy/residency/impl.h"

namespace sarai::policy {
namespace {

bool MayPass(Code code) {
  return code == Code::kUnavailable || code == Code::kDeadlineExceeded || code == Code::kCancelled;
}

}  // namespace

void Residency::Impl::StartFetch(Model& model, TimePoint now, ResidencyActions& actions) {
  Decision why = WhyFetch(model, books);
  waiting.Dequeue(model);
  books.Transition(model, ModelState::kFetching, now);
  waiting.Rearm(model);
  actions.push_back({.kind = Kind::kFetch, .id = model.id, .decision = std::move(why)});
}

void Residency::Impl::StartLoad(Model& model, TimePoint now, ResidencyActions& actions) {
  Decision why = WhyLoad(model, books);
  waiting.Dequeue(model);
  books.Transition(model, ModelState::kLoading, now);
  model.lost_in_load = false;
  waiting.Rearm(model);
  actions.push_back({.kind = Kind::kLoad, .id = model.id, .decision = std::move(why)});
}

void Residency::Impl::StartUnload(Model& model, Decision decision, TimePoint now,
                                  ResidencyActions& actions) {
  books.Transition(model, ModelState::kDraining, now);
  model.in_flight = 0;
  model.admitted = 0;
  retiring_in_use.erase(&model);
  waiting.Rearm(model);
  actions.push_back({.kind = Kind::kUnload, .id = model.id, .decision = std::move(decision)});
}

void Residency::Impl::StartDelete(Model& model, Decision decision, ResidencyActions& actions) {
  waiting.Dequeue(model);
  model.deleting = true;
  model.delete_next = false;
  books.SetFilesLeaving(model);
  waiting.Rearm(model);
  actions.push_back({.kind = Kind::kDelete, .id = model.id, .decision = std::move(decision)});
}

void Residency::Impl::Admit(Model& model, TimePoint now, ResidencyActions& actions) {
  const uint32_t count = waiting.TakeAll(model);
  // Until the owner tells otherwise they are in use there, so that nobody evicts what they came
  // for.
  model.in_flight = count;
  model.admitted = count;
  model.last_used = now;
  waiting.Rearm(model);
  actions.push_back(
      {.kind = Kind::kAdmit, .id = model.id, .count = count, .decision = WhyAdmit(model, count)});
}

void Residency::Impl::Fail(Model& model, const Status& status, ResidencyActions& actions) {
  const uint32_t count = waiting.TakeAll(model);
  waiting.Rearm(model);
  actions.push_back({.kind = Kind::kFail,
                     .id = model.id,
                     .count = count,
                     .status = status,
                     .decision = WhyFail(model, count, status)});
}

void Residency::Impl::FailAndRemember(Model& model, const Status& status, TimePoint now,
                                      ResidencyActions& actions) {
  Duration memo = options.failure_memo;
  if (TooManyLosses(model, now)) {
    const int doublings = std::min(model.losses.count - options.losses_tolerated - 1, 20);
    memo = std::min(memo * (int64_t{1} << std::max(doublings, 0)), options.loss_memo_max);
  } else if (MayPass(status.code())) {
    memo = std::min(memo, options.transient_memo);
  }
  model.failure = {status, now + memo};
  Fail(model, status, actions);
}

void Residency::Impl::Reclaim(Model& model, TimePoint now, ResidencyActions& actions) {
  switch (model.state) {
    case ModelState::kAbsent: return Forget(model);
    case ModelState::kOnDisk:
      if (model.deleting) return;
      if (!model.deletable) return Forget(model);
      return StartDelete(model, WhyReclaim(model), actions);
    case ModelState::kReady:
      if (model.in_flight <= 0 || now >= model.retiring->unload_by) {
        return StartUnload(model, WhyUnload(model, "retired: " + model.retiring->why.message()),
                           now, actions);
      }
      retiring_in_use.insert(&model);
      return waiting.Rearm(model);
    case ModelState::kFetching:
    case ModelState::kLoading:
    case ModelState::kDraining: return;  // goes on when that has ended
  }
}

void Residency::Impl::Forget(Model& model) {
  waiting.TakeAll(model);
  waiting.Disarm(model);
  retiring_in_use.erase(&model);
  books.Remove(model);
  models.erase(std::string(model.id));
}

}  // namespace sarai::policy
