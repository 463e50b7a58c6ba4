// What has happened, and what follows from it. Each event ends with Serve: it may have made room.
#include <algorithm>

#include "policy/residency/impl.h"

namespace sarai::policy {

using residency::ToBytes;

namespace {

Status DiedTooOften(const Model& model) {
  return MakeStatus(Code::kUnavailable, "the process of model '{}' died {} times in a short time",
                    model.name, model.losses.count);
}

}  // namespace

Residency::Impl::Impl(const ResidencyOptions& given)
    : options(given), worth(options), books(options), waiting(options) {}

Model* Residency::Impl::Find(const std::string& id) const {
  const auto at = models.find(id);
  return at == models.end() ? nullptr : at->second.get();
}

void Residency::Impl::Add(const std::string& id, const Known& known) {
  auto& slot = models[id];
  if (slot == nullptr) slot = std::make_unique<Model>(id, next_serial++);
  Model& model = *slot;
  if (!known.name.empty()) model.name = known.name;
  model.retiring.reset();
  retiring_in_use.erase(&model);
  books.SetPinned(model, known.pinned);
  if (known.download_bytes > 0) model.download_bytes = ToBytes(known.download_bytes);
  if (model.measured_memory == 0) model.measured_memory = ToBytes(known.measured_memory);
  if (model.load_time == Duration{0}) model.load_time = known.measured_load;
  if (model.state == ModelState::kAbsent) {
    model.deletable = known.deletable;
    if (known.disk_bytes > 0) model.file_bytes = ToBytes(known.disk_bytes);
    if (known.on_disk) {
      waiting.Dequeue(model);
      books.Transition(model, ModelState::kOnDisk, model.state_since);
      waiting.Enqueue(model);
    }
  }
  waiting.Rearm(model);
}

Status Residency::Impl::WhyRefused(const Model& model, TimePoint now) const {
  if (model.retiring) {
    return model.retiring->why.ok()
               ? MakeStatus(Code::kNotFound, "model '{}' was retired", model.name)
               : model.retiring->why;
  }
  if (model.demand.active) return {};
  if (now < model.failure.until) return model.failure.status;
  return books.NeverFits(model);
}

Residency::RequestOutcome Residency::Impl::Request(const std::string& id, TimePoint now,
                                                   ResidencyActions& actions) {
  using Outcome = RequestOutcome::Kind;
  Model* model = Find(id);
  if (model == nullptr) {
    return {Outcome::kRefused, MakeStatus(Code::kNotFound, "no model '{}' is known", id)};
  }
  if (model->state == ModelState::kReady && !model->retiring) {
    ++model->in_flight;
    return {Outcome::kReadyNow, {}};
  }
  if (Status why = WhyRefused(*model, now); !why.ok()) return {Outcome::kRefused, std::move(why)};
  if (Status full = waiting.Full(*model); !full.ok()) return {Outcome::kRefused, std::move(full)};
  const bool first = model->waiting.empty();
  waiting.Join(*model, now);
  if (first) {
    // Those who come while it is not there are one piece of evidence, however many they are.
    model->reuse.Add(1, now, options.reuse_time_constant);
    waiting.Enqueue(*model);
    waiting.Rearm(*model);
    Serve(now, actions);
  }
  return {Outcome::kWaiting, {}};
}

void Residency::Impl::Want(Model& model, TimePoint now, ResidencyActions& actions) {
  if (Status why = WhyRefused(model, now); !why.ok()) return Fail(model, why, actions);
  if (model.state == ModelState::kReady) return;
  waiting.Want(model, now);
  waiting.Enqueue(model);
  waiting.Rearm(model);
  Serve(now, actions);
}

void Residency::Impl::Retire(Model& model, Status why, TimePoint now, ResidencyActions& actions) {
  if (!model.waiting.empty() || model.demand.active) Fail(model, why, actions);
  model.retiring = {std::move(why), now + options.wait_budget};
  Reclaim(model, now, actions);
  Serve(now, actions);
}

void Residency::Impl::Fetched(Model& model, Result<Residency::Fetched> result, TimePoint now,
                              ResidencyActions& actions) {
  if (model.state != ModelState::kFetching) return;
  if (!result) {
    books.Transition(model, ModelState::kAbsent, now);
    FailAndRemember(model, result.error(), now, actions);
    if (model.retiring) Reclaim(model, now, actions);
    return Serve(now, actions);
  }
  model.fetch_time = now - model.state_since;
  model.file_bytes = ToBytes(result->disk_bytes);
  if (result->measured_memory > 0) model.measured_memory = ToBytes(result->measured_memory);
  books.Transition(model, ModelState::kOnDisk, now);
  if (model.retiring) {
    Reclaim(model, now, actions);
    return Serve(now, actions);
  }
  if (Status never = books.NeverFitsDisk(model); !never.ok()) {
    Fail(model, never, actions);
    StartDelete(model, WhyFail(model, 0, never), actions);
    return Serve(now, actions);
  }
  // Whoever stopped waiting meanwhile will come back for it: the load is due all the same.
  model.demand.until = std::max(model.demand.until, now + options.wait_budget);
  waiting.Enqueue(model);
  waiting.Rearm(model);
  Serve(now, actions);
}

void Residency::Impl::Loaded(Model& model, Result<Residency::Loaded> result, TimePoint now,
                             ResidencyActions& actions) {
  if (model.state != ModelState::kLoading) return;
  if (!result || model.lost_in_load) {
    books.Transition(model, ModelState::kOnDisk, now);
    const Status status = result ? MakeStatus(Code::kUnavailable,
                                              "the process that loaded model '{}' died", model.name)
                                 : result.error();
    if (model.retiring) {
      Reclaim(model, now, actions);
    } else if (model.lost_in_load || status.code() == Code::kUnavailable) {
      LoadSpoilt(model, status, now, actions);
    } else {
      FailAndRemember(model, status, now, actions);
    }
    return Serve(now, actions);
  }
  model.measured_memory = std::max<Bytes>(ToBytes(result->memory_bytes), 1);
  model.load_time = result->load_time;
  books.Transition(model, ModelState::kReady, now);
  if (model.retiring) {
    Reclaim(model, now, actions);
  } else if (Status never = books.NeverFits(model); !never.ok()) {
    Fail(model, never, actions);
    StartUnload(model, WhyUnload(model, never.message()), now, actions);
  } else {
    model.failure = {};
    Admit(model, now, actions);
  }
  Serve(now, actions);
}

void Residency::Impl::Unloaded(Model& model, TimePoint now, ResidencyActions& actions) {
  if (model.state != ModelState::kDraining) return;
  books.Transition(model, ModelState::kOnDisk, now);
  if (model.retiring) {
    Reclaim(model, now, actions);
    return Serve(now, actions);
  }
  // A victim goes all the way even if it is wanted again meanwhile: others were promised its bytes.
  if (model.delete_next) StartDelete(model, std::move(model.delete_why), actions);
  waiting.Enqueue(model);
  waiting.Rearm(model);
  Serve(now, actions);
}

void Residency::Impl::Deleted(Model& model, TimePoint now, ResidencyActions& actions) {
  if (model.state != ModelState::kOnDisk || !model.deleting) return;
  model.deleting = false;
  books.Transition(model, ModelState::kAbsent, now);
  if (model.retiring) {
    Reclaim(model, now, actions);
  } else {
    waiting.Enqueue(model);
    waiting.Rearm(model);
  }
  Serve(now, actions);
}

void Residency::Impl::CountLoss(Model& model, TimePoint now) {
  if (now - model.losses.last > options.loss_window) model.losses.count = 0;
  model.losses = {model.losses.count + 1, now};
}

bool Residency::Impl::TooManyLosses(const Model& model, TimePoint now) const {
  return model.losses.count > options.losses_tolerated &&
         now - model.losses.last <= options.loss_window;
}

void Residency::Impl::LoadSpoilt(Model& model, const Status& status, TimePoint now,
                                 ResidencyActions& actions) {
  CountLoss(model, now);
  if (TooManyLosses(model, now)) return FailAndRemember(model, status, now, actions);
  waiting.Enqueue(model);
  waiting.Rearm(model);
}

void Residency::Impl::Lost(Model& model, TimePoint now, ResidencyActions& actions) {
  if (model.state == ModelState::kLoading) model.lost_in_load = true;
  if (model.state != ModelState::kReady) return;
  const bool suspect = model.in_flight > 0 || now - model.last_used <= options.loss_blame;
  retiring_in_use.erase(&model);
  model.in_flight = 0;
  model.admitted = 0;
  books.Transition(model, ModelState::kOnDisk, now);
  waiting.Rearm(model);
  if (model.retiring) {
    Reclaim(model, now, actions);
    return Serve(now, actions);
  }
  if (suspect) {
    CountLoss(model, now);
    if (TooManyLosses(model, now)) FailAndRemember(model, DiedTooOften(model), now, actions);
  }
  Serve(now, actions);
}

void Residency::Impl::Usage(Model& model, const ModelUsage& usage, TimePoint now) {
  const uint64_t counted = std::min(usage.requests, model.admitted);
  model.admitted -= counted;
  const TimePoint when = usage.last_used == TimePoint{} ? now : std::min(usage.last_used, now);
  model.reuse.Add(static_cast<double>(usage.requests - counted), when, options.reuse_time_constant);
  model.last_used = std::max(model.last_used, when);
  if (model.state == ModelState::kReady) model.in_flight = usage.in_flight;
}

void Residency::Impl::EndWaits(Model& model, TimePoint now, ResidencyActions& actions) {
  if (model.retiring) return Reclaim(model, now, actions);
  const Status ended = WaitEnded(model, books, options.wait_budget, now);
  const bool give_up = model.in_line && model.demand.until <= now;
  if (give_up && (model.demand.wanted || !model.waiting.empty())) {
    return Fail(model, ended, actions);
  }
  if (give_up) {
    waiting.TakeAll(model);
  } else if (const uint32_t count = waiting.TakeExpired(model, now); count > 0) {
    actions.push_back({.kind = Kind::kFail,
                       .id = model.id,
                       .count = count,
                       .status = ended,
                       .decision = WhyFail(model, count, ended)});
  }
  waiting.Rearm(model);
}

void Residency::Impl::Tick(TimePoint now, ResidencyActions& actions) {
  while (Model* model = waiting.Due(now)) EndWaits(*model, now, actions);
  const std::vector<Model*> retiring(retiring_in_use.begin(), retiring_in_use.end());
  for (Model* model : retiring) Reclaim(*model, now, actions);
  Serve(now, actions);
}

}  // namespace sarai::policy
