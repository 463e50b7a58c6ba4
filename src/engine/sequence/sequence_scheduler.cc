#include "engine/sequence/sequence_scheduler.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "engine/sequence/refusals.h"
#include "engine/sequence/rows.h"

namespace sarai::engine {
namespace {

// Ids that the scheduler makes up have this bit, so that clients' small numbers are not among them.
constexpr uint64_t kOwnId = 1ull << 63;

// A request of an iterative model is a whole sequence. No step is marked as its end: only the model
// knows which is the last.
void MakeWhole(InferRequest& request, uint64_t number) {
  if (!HasSequence(request.sequence)) request.sequence = kOwnId | number;
  request.sequence_start = true;
  request.sequence_end = false;
}

bool HasOwnReason(const PendingRequest& pending, TimePoint now) {
  return IsCancelled(pending.request.cancellation) || pending.request.deadline <= now;
}

}  // namespace

SequenceScheduler::SequenceScheduler(const ModelSpec& spec, SequenceOptions options,
                                     std::vector<Tensor> initial_states)
    : spec_(spec),
      options_(options),
      initial_states_(std::move(initial_states)),
      slots_(policy::SlotsPerInstance(spec)),
      instances_(static_cast<size_t>(std::max(1, spec.instance_count))) {}

// --- coming --------------------------------------------------------------------------------------

Status SequenceScheduler::Push(Pending& pending, TimePoint now) {
  EndIfIdle(pending->request.sequence, now);
  SARAI_CHECK_OK(Judge(*pending));
  if (spec_.sequence->iterative) MakeWhole(pending->request, next_number_);
  Sequence& sequence = SequenceOf(*pending, now);
  pending->sequence = sequence.number;
  // As in Triton, a request's own timeout bounds the wait for a slot.
  if (!sequence.place && pending->request.timeout > Duration{0})
    pending->expires = std::min(pending->expires, now + pending->request.timeout);
  if (pending->request.sequence_end) Forget(sequence);
  sequence.waiting.push_back(std::move(pending));
  sequence.last_active = now;
  ++waiting_;
  SetDue(sequence);
  return {};
}

// The alarm may be about to.
void SequenceScheduler::EndIfIdle(const CorrelationId& id, TimePoint now) {
  const auto known = by_id_.find(id);
  if (known == by_id_.end()) return;
  Sequence& sequence = sequences_.at(known->second);
  if (sequence.waiting.empty() && !sequence.running && sequence.due <= now) Erase(sequence);
}

Status SequenceScheduler::Judge(const PendingRequest& pending) const {
  const InferRequest& request = pending.request;
  SARAI_CHECK_OK(RefusalOf(policy::JudgeArrival({.has_id = HasSequence(request.sequence),
                                                 .known = by_id_.contains(request.sequence),
                                                 .start = request.sequence_start,
                                                 .batch = pending.batch,
                                                 .iterative = spec_.sequence->iterative}),
                           spec_, pending));
  SARAI_CHECK_OK(CheckCorrelationId(spec_, request.sequence));
  if (waiting_ < options_.max_waiting) return {};
  return MakeStatus(
      Code::kUnavailable,
      "model '{}': Exceeds maximum queue size: {} requests are waiting, the bound is {}",
      spec_.name, waiting_, options_.max_waiting);
}

SequenceScheduler::Sequence& SequenceScheduler::SequenceOf(const PendingRequest& pending,
                                                           TimePoint now) {
  const CorrelationId& id = pending.request.sequence;
  const auto known = spec_.sequence->iterative ? by_id_.end() : by_id_.find(id);
  if (known != by_id_.end()) {
    if (pending.request.sequence_start)
      LogWarning("engine", "model '{}': sequence {} is started anew before its end", spec_.name,
                 TextOf(id));
    return sequences_.at(known->second);
  }
  const uint64_t number = next_number_++;
  Sequence& sequence = sequences_[number];
  sequence.number = number;
  sequence.id = id;
  sequence.last_active = now;
  if (!spec_.sequence->iterative) by_id_[id] = number;
  backlog_.insert(number);
  PlaceBacklog();
  return sequence;
}

// --- slots ---------------------------------------------------------------------------------------

std::optional<policy::SlotChoice> SequenceScheduler::FreeSlot() const {
  std::vector<size_t> first_free;
  for (const Instance& instance : instances_)
    first_free.push_back(static_cast<size_t>(std::ranges::find(instance.slots, uint64_t{0}) -
                                             instance.slots.begin()));
  return policy::ChooseSlot(first_free, slots_);
}

void SequenceScheduler::PlaceBacklog() {
  while (!backlog_.empty()) {
    const auto choice = FreeSlot();
    if (!choice) return;
    Place(sequences_.at(*backlog_.begin()), *choice);
    backlog_.erase(backlog_.begin());
  }
}

void SequenceScheduler::Place(Sequence& sequence, policy::SlotChoice choice) {
  std::vector<uint64_t>& slots = instances_[choice.instance].slots;
  if (choice.slot == slots.size()) slots.push_back(0);
  slots[choice.slot] = sequence.number;
  sequence.place = choice;
  // Its wait for a slot is over; what is left is how long the caller waits.
  for (const Pending& pending : sequence.waiting) pending->expires = pending->request.deadline;
  SetDue(sequence);
}

// While it runs it counts as just used: looked at too early, it is looked at again.
void SequenceScheduler::SetDue(Sequence& sequence) {
  if (sequence.due != TimePoint::max()) due_.erase({sequence.due, sequence.number});
  TimePoint due = sequence.last_active + std::max(spec_.sequence->max_idle, Duration{1});
  if (!sequence.waiting.empty()) {
    due = TimePoint::max();
    for (const Pending& pending : sequence.waiting) due = std::min(due, pending->expires);
    if (!sequence.fault.ok()) due = sequence.last_active;
  }
  sequence.due = due;
  if (due != TimePoint::max()) due_.emplace(due, sequence.number);
}

// --- leaving -------------------------------------------------------------------------------------

SequenceScheduler::Taken SequenceScheduler::TakeExpired(TimePoint now) {
  Taken taken{.expired = std::exchange(stranded_, {})};
  while (!due_.empty() && due_.begin()->first <= now)
    CheckDue(sequences_.at(due_.begin()->second), now, taken.expired);
  PlaceBacklog();
  taken.wake_at = due();
  return taken;
}

void SequenceScheduler::CheckDue(Sequence& sequence, TimePoint now, std::vector<Pending>& left) {
  if (!sequence.fault.ok()) return End(sequence, sequence.fault, now, left);
  if (!sequence.waiting.empty())
    return End(sequence,
               MakeStatus(Code::kUnavailable,
                          "model '{}': sequence {} was ended: the timeout of the corresponding "
                          "sequence has been expired",
                          spec_.name, TextOf(sequence.id)),
               now, left);
  if (!sequence.running) return End(sequence, {}, now, left);
  sequence.last_active = now;
  SetDue(sequence);
}

void SequenceScheduler::End(Sequence& sequence, const Status& why, TimePoint now,
                            std::vector<Pending>& left) {
  Forget(sequence);
  for (Pending& pending : sequence.waiting) {
    if (!HasOwnReason(*pending, now)) pending->fate = why;
    left.push_back(std::move(pending));
  }
  waiting_ -= sequence.waiting.size();
  sequence.waiting.clear();
  sequence.over = true;
  if (!sequence.running) return Erase(sequence);
  sequence.last_active = now;
  SetDue(sequence);
}

// Requests of its id belong to another sequence from now on.
void SequenceScheduler::Forget(const Sequence& sequence) {
  const auto known = by_id_.find(sequence.id);
  if (known != by_id_.end() && known->second == sequence.number) by_id_.erase(known);
}

void SequenceScheduler::Erase(Sequence& sequence) {
  Forget(sequence);
  DropStates(sequence);
  if (sequence.due != TimePoint::max()) due_.erase({sequence.due, sequence.number});
  backlog_.erase(sequence.number);
  if (sequence.place) {
    std::vector<uint64_t>& slots = instances_[sequence.place->instance].slots;
    slots[sequence.place->slot] = 0;
    while (!slots.empty() && slots.back() == 0) slots.pop_back();
  }
  sequences_.erase(sequence.number);
}

std::vector<Pending> SequenceScheduler::TakeCancelled(const PendingRequest* request,
                                                      TimePoint now) {
  std::vector<Pending> left;
  for (auto& [number, sequence] : sequences_) {
    const auto at = std::ranges::find(sequence.waiting, request, &Pending::get);
    if (at == sequence.waiting.end()) continue;
    // Another request may have come to live at the same address.
    if (!IsCancelled((*at)->request.cancellation)) return left;
    End(sequence,
        MakeStatus(Code::kCancelled,
                   "model '{}': sequence {} was ended: a request of it was cancelled", spec_.name,
                   TextOf(sequence.id)),
        now, left);
    PlaceBacklog();
    return left;
  }
  return left;
}

void SequenceScheduler::PutBackAlone(std::vector<Pending> batch) {
  for (Pending& pending : batch) {
    if (pending->null_row) continue;
    pending->fate = MakeStatus(
        Code::kInternal, "model '{}': a step of a sequence is not run a second time", spec_.name);
    stranded_.push_back(std::move(pending));
  }
}

std::vector<Pending> SequenceScheduler::TakeAll() {
  std::vector<Pending> all = std::exchange(stranded_, {});
  for (auto& [number, sequence] : sequences_)
    std::ranges::move(sequence.waiting, std::back_inserter(all));
  sequences_.clear();
  by_id_.clear();
  backlog_.clear();
  due_.clear();
  for (Instance& instance : instances_) instance.slots.clear();
  waiting_ = 0;
  state_bytes_ = 0;
  return all;
}

// --- running -------------------------------------------------------------------------------------

SequenceScheduler::Taken SequenceScheduler::Take(TimePoint now) {
  Taken taken = TakeExpired(now);
  for (size_t i = 0; i < instances_.size() && taken.batch.empty(); ++i)
    Fill((next_instance_ + i) % instances_.size(), now, taken);
  // What was taken has changed when to look again.
  taken.wake_at = std::min(taken.wake_at, due());
  return taken;
}

void SequenceScheduler::Fill(size_t index, TimePoint now, Taken& taken) {
  Instance& instance = instances_[index];
  if (instance.busy) return;
  if (spec_.sequence->strategy == SequenceSpec::Strategy::kOldest) {
    FillOldest(instance, now, taken);
  } else {
    FillRows(instance, now, taken);
  }
  if (taken.batch.empty()) return;
  instance.busy = true;
  taken.instance = static_cast<int>(index);
  next_instance_ = index + 1;
}

void SequenceScheduler::FillRows(const Instance& instance, TimePoint now, Taken& taken) {
  std::vector<policy::SlotView> views(instance.slots.size());
  for (size_t i = 0; i < views.size(); ++i) {
    if (instance.slots[i] == 0) continue;
    const Sequence& sequence = sequences_.at(instance.slots[i]);
    if (!sequence.ready()) continue;
    views[i] = {.waits = true,
                .shape_key = KeyOf(sequence),
                .arrived = WaitsSince(*sequence.waiting.front())};
  }
  const policy::RowsDecision decision = policy::NextRows(views, *spec_.sequence, slots_, now);
  taken.wake_at = std::min(taken.wake_at, decision.wake_at);
  const auto first = std::ranges::find(decision.rows, true);
  if (first == decision.rows.end()) return;
  const Sequence& model = sequences_.at(instance.slots[first - decision.rows.begin()]);
  std::vector<Pending> nulls;
  for (auto left = std::ranges::count(decision.rows, false); left > 0; --left)
    nulls.push_back(MakeNullRow(spec_, *model.waiting.front(), StatesFor(model)));
  for (size_t i = 0; i < decision.rows.size(); ++i) {
    if (decision.rows[i]) {
      taken.batch.push_back(TakeStep(sequences_.at(instance.slots[i]), now));
    } else {
      taken.batch.push_back(std::move(nulls.back()));
      nulls.pop_back();
    }
  }
}

void SequenceScheduler::FillOldest(const Instance& instance, TimePoint now, Taken& taken) {
  std::vector<Sequence*> ready;
  for (const uint64_t number : instance.slots)
    if (number != 0 && sequences_.at(number).ready()) ready.push_back(&sequences_.at(number));
  std::ranges::stable_sort(ready, {},
                           [](const Sequence* each) { return WaitsSince(*each->waiting.front()); });
  std::vector<policy::QueuedRequest> head;
  for (const Sequence* each : ready)
    head.push_back(
        {.batch = 1, .shape_key = KeyOf(*each), .arrived = WaitsSince(*each->waiting.front())});
  const policy::BatchDecision decision = policy::NextBatch(head, policy::OldestLimits(spec_), now);
  taken.wake_at = std::min(taken.wake_at, decision.wake_at);
  for (size_t i = 0; i < decision.take; ++i) taken.batch.push_back(TakeStep(*ready[i], now));
}

Pending SequenceScheduler::TakeStep(Sequence& sequence, TimePoint now) {
  Pending step = std::move(sequence.waiting.front());
  sequence.waiting.pop_front();
  --waiting_;
  if (step->request.sequence_start) DropStates(sequence);
  AddControls(spec_, {.start = step->request.sequence_start, .end = step->request.sequence_end},
              sequence.id, 1, step->inputs);
  AddStates(spec_, sequence.states.empty() ? initial_states_ : sequence.states, step->inputs);
  sequence.running = true;
  sequence.over = sequence.over || step->request.sequence_end;
  sequence.last_active = now;
  SetDue(sequence);
  return step;
}

void SequenceScheduler::OnRunEnded(std::vector<Pending>& batch, int instance, TimePoint now) {
  for (Pending& pending : batch) {
    const auto found = sequences_.find(pending->sequence);
    if (found == sequences_.end()) continue;
    Sequence& sequence = found->second;
    sequence.running = false;
    sequence.last_active = now;
    if (spec_.sequence->iterative && !pending->iteration.again) sequence.over = true;
    if (!sequence.over) KeepStates(sequence, *pending);
    if (pending->iteration.again) RunAgain(sequence, pending, now);
    if (sequence.over || (!sequence.fault.ok() && sequence.waiting.empty())) {
      Erase(sequence);
    } else {
      SetDue(sequence);
    }
  }
  if (instance >= 0) instances_[static_cast<size_t>(instance)].busy = false;
  PlaceBacklog();
}

// What the scheduler added for the run goes; the next one gets its own.
void SequenceScheduler::RunAgain(Sequence& sequence, Pending& pending, TimePoint now) {
  if (!sequence.fault.ok()) {
    pending->fate = sequence.fault;
    return;
  }
  const size_t added = spec_.sequence->controls.size() + spec_.sequence->states.size();
  pending->inputs.resize(pending->inputs.size() - added);
  pending->new_states.clear();
  pending->request.sequence_start = false;
  ++pending->iteration.number;
  pending->iteration.since = now;
  pending->iteration.again = false;
  sequence.waiting.push_front(std::move(pending));
  ++waiting_;
}

// --- states --------------------------------------------------------------------------------------

const std::vector<Tensor>& SequenceScheduler::StatesFor(const Sequence& sequence) const {
  const bool starts = !sequence.waiting.empty() && sequence.waiting.front()->request.sequence_start;
  return starts || sequence.states.empty() ? initial_states_ : sequence.states;
}

uint64_t SequenceScheduler::KeyOf(const Sequence& sequence) const {
  return StepKey(sequence.waiting.front()->shape_key, StatesFor(sequence));
}

void SequenceScheduler::KeepStates(Sequence& sequence, const PendingRequest& pending) {
  if (pending.new_states.empty()) return;  // the run failed: the next one goes on from before it
  DropStates(sequence);
  for (const Tensor& state : pending.new_states) {
    sequence.states.push_back(state);
    // A copy of its own: the whole batch's memory would live on with it.
    sequence.states.back().data = Blob::Copy(state.data.bytes());
    sequence.state_bytes += state.data.size();
  }
  state_bytes_ += sequence.state_bytes;
  if (state_bytes_ <= options_.max_state_bytes) return;
  sequence.fault =
      MakeStatus(Code::kResourceExhausted,
                 "model '{}': sequence {} was ended: the states of all its sequences "
                 "would take {} bytes, the bound is {}",
                 spec_.name, TextOf(sequence.id), state_bytes_, options_.max_state_bytes);
  LogWarning("engine", "{}", sequence.fault.message());
  Forget(sequence);
  DropStates(sequence);
}

void SequenceScheduler::DropStates(Sequence& sequence) {
  state_bytes_ -= std::exchange(sequence.state_bytes, 0);
  sequence.states.clear();
}

}  // namespace sarai::engine
