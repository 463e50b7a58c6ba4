#include "engine/served_version.h"

#include <algorithm>
#include <utility>

namespace sarai::engine {
namespace {

// Its runs on the callers' threads. What runs in another process, waits for a sequence's slot, or
// goes on after its run is never short.
policy::ShortRunLimits LimitsOf(const ModelSpec& spec, const backends::Backend* backend,
                                Duration median_max) {
  const bool here = backend != nullptr && backend->process_ids().empty() && !spec.decoupled &&
                    !spec.sequence && !spec.ensemble;
  return {.median_max = here ? median_max : Duration{0},
          .batches = spec.batching.enabled && spec.max_batch_size > 1};
}

}  // namespace

ServedVersion::ServedVersion(Parts parts, const Options& options,
                             std::shared_ptr<Departure> departure)
    : spec_(std::move(parts.spec)),
      model_(std::move(parts.model)),
      backend_(parts.backend),
      keeps_order_(spec_.batching.preserve_ordering && spec_.instance_count > 1),
      departure_(std::move(departure)),
      members_(std::move(parts.members)),
      load_number_(options.load_number),
      step_gates_(spec_.ensemble ? spec_.ensemble->steps.size() : 0,
                  spec_.ensemble ? spec_.ensemble->max_inflight_requests : 0),
      scheduler_(
          MakeScheduler(spec_, options.default_max_queue_size, std::move(parts.initial_states))),
      short_runs_(LimitsOf(spec_, backend_, options.run_here_median_max)) {}

Result<ServedVersion::FollowUp> ServedVersion::Enqueue(Pending& pending, TimePoint now) {
  std::lock_guard lock(mu_);
  if (state() != State::kServing) return Error(RefusalLocked());
  const TimePoint expires = pending->expires;
  const uint64_t bytes = InputBytes(*pending);
  short_runs_.OnArrival(now);
  if (const Status pushed = scheduler_->Push(pending, now); !pushed.ok())
    return Error(spec_.sequence ? pushed  // it names the model itself, in Triton's words
                                : pushed.WithContext(fmt::format("model '{}'", spec_.name)));
  counters_.Enter();
  CountWaiting();
  FollowUp next{.schedule = ClaimSchedule(),
                .alarm = ClaimAlarm(std::min(expires, scheduler_->due()))};
  next.run_here = next.schedule && scheduler_->size() == 1 && short_runs_.Expects(bytes);
  return next;
}

void ServedVersion::OnLane() {
  std::lock_guard lock(mu_);
  scheduled_ = false;
}

ServedVersion::FollowUp ServedVersion::OnLeave() {
  std::lock_guard lock(mu_);
  return {.schedule = !std::exchange(scheduled_, true)};
}

ServedVersion::Turn ServedVersion::TakeTurn(TimePoint now) {
  std::lock_guard lock(mu_);
  scheduled_ = false;
  Scheduler::Taken taken = MayRun() ? scheduler_->Take(now) : scheduler_->TakeExpired(now);
  CountWaiting();
  Turn turn{.expired = std::move(taken.expired), .batch = std::move(taken.batch)};
  if (!turn.batch.empty()) {
    ++running_;
    turn.sequence = next_sequence_++;
    turn.next.schedule = ClaimSchedule();  // behind all others: one batch a turn
  }
  turn.instance = taken.instance;
  turn.next.alarm = ClaimAlarm(taken.wake_at);
  turn.next.rest = ClaimRest();
  return turn;
}

ServedVersion::FollowUp ServedVersion::EndTurn(std::vector<Pending>& again, const RunCost& cost) {
  std::lock_guard lock(mu_);
  --running_;
  short_runs_.OnRun(cost.took, cost.input_bytes);
  if (state() != State::kLost) scheduler_->PutBackAlone(std::exchange(again, {}));
  CountWaiting();
  return {.schedule = ClaimSchedule(), .rest = ClaimRest()};
}

ServedVersion::Turn ServedVersion::OnAlarm(TimePoint now) {
  std::lock_guard lock(mu_);
  alarm_at_ = TimePoint::max();
  Scheduler::Taken taken = scheduler_->TakeExpired(now);
  CountWaiting();
  Turn turn{.expired = std::move(taken.expired)};
  turn.next = {
      .schedule = ClaimSchedule(), .alarm = ClaimAlarm(taken.wake_at), .rest = ClaimRest()};
  return turn;
}

ServedVersion::FollowUp ServedVersion::Drain() {
  std::lock_guard lock(mu_);
  if (state() == State::kServing) state_.store(State::kDraining, std::memory_order_release);
  return {.rest = ClaimRest()};
}

ServedVersion::Turn ServedVersion::OnCancelled(const PendingRequest* request, TimePoint now) {
  std::lock_guard lock(mu_);
  Turn turn{.expired = scheduler_->TakeCancelled(request, now)};
  CountWaiting();
  // Without it, what it stood before may go.
  turn.next = {.schedule = !turn.expired.empty() && ClaimSchedule(), .rest = ClaimRest()};
  return turn;
}

void ServedVersion::OnRunEnded(std::vector<Pending>& batch, int instance, TimePoint now) {
  if (!spec_.sequence) return;
  std::lock_guard lock(mu_);
  scheduler_->OnRunEnded(batch, instance, now);
  CountWaiting();
}

bool ServedVersion::Open(StreamPtr stream) {
  std::lock_guard lock(mu_);
  if (state() == State::kLost) return false;
  streams_.insert(std::move(stream));
  return true;
}

ServedVersion::FollowUp ServedVersion::Close(const StreamPtr& stream) {
  std::lock_guard lock(mu_);
  streams_.erase(stream);
  return {.rest = ClaimRest()};
}

ServedVersion::Lost ServedVersion::Lose(std::string why) {
  std::lock_guard lock(mu_);
  if (state() != State::kLost) lost_why_ = std::move(why);
  state_.store(State::kLost, std::memory_order_release);
  Lost lost{.requests = scheduler_->TakeAll()};
  CountWaiting();
  lost.streams.assign(streams_.begin(), streams_.end());
  streams_.clear();
  lost.next.rest = ClaimRest();
  return lost;
}

Status ServedVersion::BeginEnsemble() {
  std::lock_guard lock(mu_);
  if (state() != State::kServing) return RefusalLocked();
  ++running_;
  counters_.Enter();
  return {};
}

ServedVersion::FollowUp ServedVersion::EndEnsemble() {
  std::lock_guard lock(mu_);
  --running_;
  return {.rest = ClaimRest()};
}

void ServedVersion::Destroy() { model_.reset(); }

void ServedVersion::CountWaiting() {
  counters_.SetPending(scheduler_->size());
  counters_.SetSequences(scheduler_->sequences());
}

bool ServedVersion::ClaimRest() {
  if (resting_ || state() == State::kServing || running_ > 0 || !streams_.empty() ||
      !scheduler_->empty())
    return false;
  return resting_ = true;
}

bool ServedVersion::ClaimSchedule() {
  if (scheduled_ || scheduler_->empty() || !MayRun()) return false;
  return scheduled_ = true;
}

TimePoint ServedVersion::ClaimAlarm(TimePoint at) {
  if (at >= alarm_at_) return TimePoint::max();
  return alarm_at_ = at;
}

Status ServedVersion::Refusal() {
  std::lock_guard lock(mu_);
  return RefusalLocked();
}

Status ServedVersion::RefusalLocked() const {
  if (state() == State::kLost)
    return MakeStatus(Code::kUnavailable, "model '{}' {}", spec_.name, lost_why_);
  return MakeStatus(Code::kUnavailable, "model '{}' is being unloaded; a retry loads it again",
                    spec_.name);
}

}  // namespace sarai::engine
