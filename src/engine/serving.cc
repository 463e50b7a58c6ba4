#include "engine/serving.h"

#include <utility>

#include "engine/ensemble/ensemble_run.h"
#include "engine/execution.h"
#include "engine/response_stream.h"

namespace sarai::engine {
namespace {

// Its caller's leaving changes nothing any more, but for the run itself.
void StopListening(PendingRequest& pending) {
  if (pending.cancel_id != 0) pending.request.cancellation->Forget(pending.cancel_id);
  pending.cancel_id = 0;
}

void Answer(ServedVersion& version, Pending pending, Result<InferResponse> response) {
  StopListening(*pending);
  version.counters().Leave();
  InferResponder respond = std::move(pending->respond);
  respond(std::move(response));
}

InferResponse ResponseTo(const ModelSpec& spec, PendingRequest& pending,
                         std::vector<Tensor> outputs) {
  return {.model = spec.name,
          .version = spec.version,
          .id = std::move(pending.request.id),
          .outputs = std::move(outputs)};
}

void TraceArrival(const PendingRequest& pending) {
  const TracePtr& trace = pending.request.trace;
  if (trace == nullptr) return;
  trace->Stamp(TraceActivity::kQueueStart, pending.arrived);
  if (!trace->wants_tensors()) return;
  for (const Tensor& input : pending.inputs)
    trace->AddTensor(TraceActivity::kTensorQueueInput, input);
}

void AnswerAll(ServedVersion& version, std::vector<Pending> batch, Execution execution) {
  version.counters().OnRun(execution.run);
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch[i] == nullptr || batch[i]->null_row) continue;
    if (!execution.status.ok()) {
      Answer(version, std::move(batch[i]), Error(execution.status));
      continue;
    }
    InferResponse response = ResponseTo(version.spec(), *batch[i], std::move(execution.outputs[i]));
    response.times = {execution.run.compute_input, execution.run.compute_infer,
                      execution.run.compute_output};
    Answer(version, std::move(batch[i]), std::move(response));
  }
}

bool IsIterative(const ModelSpec& spec) { return spec.sequence && spec.sequence->iterative; }

// Of a decoupled iterative model: one more response has come, or the error that ends it.
void CountResponse(ServedVersion& version, PendingRequest& pending, const Execution& execution,
                   TimePoint now, bool empty) {
  if (!version.spec().decoupled) return;
  Iteration& iteration = pending.iteration;
  const Duration output = execution.run.compute_output;
  version.counters().OnResponse(iteration.responses++,
                                {.compute_infer = now - iteration.responded_at - output,
                                 .compute_output = output,
                                 .ok = execution.status.ok(),
                                 .empty = empty});
  iteration.responded_at = now;
}

// Of the rows that go on the responses go out here. What a last row without a response leaves is
// only the end.
void GiveResponses(ServedVersion& version, std::span<const Pending> batch, Execution& execution,
                   TimePoint now) {
  const Counters::Run& run = execution.run;
  for (size_t i = 0; i < batch.size(); ++i) {
    PendingRequest& pending = *batch[i];
    if (pending.null_row) continue;
    if (pending.iteration.number == 0)
      pending.iteration.responded_at =
          now - run.compute_input - run.compute_infer - run.compute_output;
    if (execution.status.ok() && !pending.iteration.respond) execution.outputs[i].clear();
    if (!pending.iteration.again || pending.iteration.respond)
      CountResponse(version, pending, execution, now, !pending.iteration.respond);
    if (!pending.iteration.again || !pending.iteration.respond) continue;
    pending.respond(InferResponse{.model = version.spec().name,
                                  .version = version.spec().version,
                                  .id = pending.request.id,
                                  .outputs = std::move(execution.outputs[i]),
                                  .final = false});
  }
}

void Shed(ServedVersion& version, std::vector<Pending> left, TimePoint now) {
  for (Pending& pending : left) {
    const bool cancelled = IsCancelled(pending->request.cancellation);
    const Duration waited = now - pending->arrived;
    version.counters().OnRefused(cancelled ? FailureReason::kCanceled : FailureReason::kRejected,
                                 waited);
    Status status =
        !pending->fate.ok() ? std::move(pending->fate)
        : cancelled
            ? MakeStatus(Code::kCancelled, "model '{}': the request was cancelled after {:.1f} ms",
                         version.spec().name, Milliseconds(waited))
            : MakeStatus(
                  pending->request.deadline <= now ? Code::kDeadlineExceeded : Code::kUnavailable,
                  "model '{}': Request timeout expired: it waited {:.1f} ms in the queue",
                  version.spec().name, Milliseconds(waited));
    Answer(version, std::move(pending), Error(std::move(status)));
  }
}

ServedVersion::RunCost CostOf(const std::vector<Pending>& batch, const Counters::Run& run) {
  ServedVersion::RunCost cost{.took = run.compute_input + run.compute_infer + run.compute_output};
  for (const Pending& pending : batch) cost.input_bytes += InputBytes(*pending);
  return cost;
}

}  // namespace

Serving::Serving(int lanes, const Clock& clock, Reaper& reaper, std::unique_ptr<RateGate> rate,
                 ModelCaller* models, std::unique_ptr<ResponseCache> cache)
    : clock_(clock),
      reaper_(reaper),
      models_(models),
      cache_(std::move(cache)),
      rate_(std::move(rate)),
      alarms_(clock, [this](const VersionPtr& version) { OnAlarm(version); }),
      lanes_(lanes, clock, [this](const VersionPtr& version) { TakeTurn(version); }) {}

Status Serving::Admit(const VersionPtr& version) {
  return rate_ == nullptr || version->spec().ensemble ? Status() : rate_->Add(version);
}

void Serving::Stop() {
  gate_->Close();
  lanes_.Stop();
  alarms_.Stop();
}

void Serving::Infer(const VersionPtr& version, InferRequest request, InferResponder respond,
                    bool again) {
  const TimePoint now = clock_.Now();
  version->counters().OnArrival(now);
  auto pending = Accept(*version, std::move(request), now);
  if (!pending) {
    version->counters().OnRefused(pending.error().code() == Code::kCancelled
                                      ? FailureReason::kCanceled
                                      : FailureReason::kOther);
    return respond(Error(std::move(pending).error()));
  }
  (*pending)->respond = std::move(respond);
  (*pending)->lost_before = again;
  TraceArrival(**pending);
  if (AnswerFromCache(version, *pending)) return;
  if (version->spec().ensemble) return InferEnsemble(version, std::move(*pending));
  Listen(version, **pending);
  const PendingRequest* const identity = pending->get();
  const CancellationPtr cancellation = (*pending)->request.cancellation;
  auto next = version->Enqueue(*pending, now);
  if (!next) {
    version->counters().OnRefused(FailureReason::kRejected);
    StopListening(**pending);
    return (*pending)->respond(Error(next.error()));
  }
  const bool here = next->run_here && lanes_.TryEnter();
  if (here) next->schedule = false;
  Arrange(version, *next);
  if (here) {
    TakeTurn(version);
    lanes_.Leave();
  }
  // Its callback may have run before there was anything to take back.
  if (IsCancelled(cancellation)) OnCancelled(version, identity);
}

// A miss leaves the request to be run, its answer to be kept. As Triton does, a hit counts as a
// success without a run.
bool Serving::AnswerFromCache(const VersionPtr& version, Pending& pending) {
  const ModelSpec& spec = version->spec();
  if (cache_ == nullptr || !spec.response_cache || spec.decoupled || spec.sequence) return false;
  const auto key = cache_->KeyOf(version->load_number(), *pending);
  if (!key) return false;
  const auto answer = cache_->Find(*key);
  const Duration looked_up = clock_.Now() - pending->arrived;
  if (answer != nullptr) {
    version->counters().OnCacheHit(looked_up);
    pending->respond(ResponseTo(spec, *pending, *answer));
    return true;
  }
  pending->respond = [cache = cache_, version, key = *key, looked_up, &clock = clock_,
                      respond = std::move(pending->respond)](Result<InferResponse> got) mutable {
    if (got) {
      const TimePoint start = clock.Now();
      cache->Keep(key, got->outputs);
      version->counters().OnCacheMiss(looked_up + (clock.Now() - start));
    }
    respond(std::move(got));
  };
  return false;
}

void Serving::InferEnsemble(const VersionPtr& version, Pending pending) {
  if (const Status begun = version->BeginEnsemble(); !begun.ok()) {
    version->counters().OnRefused(FailureReason::kRejected);
    return pending->respond(Error(begun));
  }
  std::make_shared<EnsembleRun>(version, std::move(pending), *models_, clock_,
                                [this, gate = gate_, version] {
                                  const auto next = version->EndEnsemble();
                                  gate->Enter([&] { Arrange(version, next); });
                                })
      ->Start();
}

Result<Pending> Serving::Accept(const ServedVersion& version, InferRequest request,
                                TimePoint now) const {
  const ModelSpec& spec = version.spec();
  if (spec.decoupled && !request.accepts_many)
    return Error(Code::kUnimplemented,
                 "this call doesn't support models with decoupled transaction policy, as '{}' is: "
                 "use a streaming one",
                 spec.name);
  if (IsCancelled(request.cancellation))
    return Error(Code::kCancelled, "model '{}': the request was cancelled", spec.name);
  return MakePending(spec, std::move(request), now);
}

void Serving::Listen(const VersionPtr& version, PendingRequest& pending) {
  const CancellationPtr& cancellation = pending.request.cancellation;
  if (cancellation == nullptr) return;
  pending.cancel_id = cancellation->OnCancel(
      [this, gate = gate_, weak = std::weak_ptr(version), identity = &pending] {
        if (const auto served = weak.lock()) gate->Enter([&] { OnCancelled(served, identity); });
      });
}

void Serving::TakeTurn(const VersionPtr& version) {
  if (rate_ == nullptr) {
    if (const auto next = TakeTurnNow(version)) Arrange(version, *next);
    return;
  }
  version->OnLane();  // first: leave that comes in this moment asks for a lane again
  const auto group = rate_->TryStart(*version);
  if (!group) return;
  auto next = TakeTurnNow(version);
  policy::RateLimiter::Ended ended{.ran = next.has_value()};
  if (next && std::exchange(next->schedule, false)) {
    version->OnLane();  // it needs leave for another turn too
    ended.again = true;
  }
  GiveLeave(rate_->OnEnd(*version, *group, ended));
  if (next) Arrange(version, *next);
}

void Serving::GiveLeave(const std::vector<VersionPtr>& called) {
  for (const VersionPtr& version : called) Arrange(version, version->OnLeave());
}

std::optional<ServedVersion::FollowUp> Serving::TakeTurnNow(const VersionPtr& version) {
  const TimePoint now = clock_.Now();
  ServedVersion::Turn turn = version->TakeTurn(now);
  Arrange(version, turn.next);  // first: another lane may go on meanwhile
  Shed(*version, std::move(turn.expired), now);
  if (turn.batch.empty()) return std::nullopt;
  for (const Pending& pending : turn.batch) StopListening(*pending);
  if (IsIterative(version->spec())) return RunIteration(version, std::move(turn));
  return version->spec().decoupled ? RunDecoupled(version, std::move(turn))
                                   : RunBatch(version, std::move(turn));
}

ServedVersion::FollowUp Serving::RunBatch(const VersionPtr& version, ServedVersion::Turn turn) {
  Execution execution = Execute(*version, turn.batch, clock_);
  version->OnRunEnded(turn.batch, turn.instance, clock_.Now());
  const ServedVersion::RunCost cost = CostOf(turn.batch, execution.run);
  std::vector<Pending> again;
  if (version->keeps_order()) {
    version->replies().Deliver(turn.sequence, [version, batch = std::move(turn.batch),
                                               execution = std::move(execution)]() mutable {
      AnswerAll(*version, std::move(batch), std::move(execution));
    });
  } else if (MayBeOneRequestsFault(execution, turn.batch)) {
    version->counters().OnRetriedRun();
    again = std::move(turn.batch);
  } else {
    AnswerAll(*version, std::move(turn.batch), std::move(execution));
  }
  const ServedVersion::FollowUp next = version->EndTurn(again, cost);
  if (!again.empty()) FailAll(*version, std::move(again), version->Refusal());
  return next;
}

// As RunBatch, but that some requests may not be done: they give what response they have and wait
// for their next run.
ServedVersion::FollowUp Serving::RunIteration(const VersionPtr& version, ServedVersion::Turn turn) {
  Execution execution = Execute(*version, turn.batch, clock_);
  GiveResponses(*version, turn.batch, execution, clock_.Now());
  std::vector<std::pair<const PendingRequest*, CancellationPtr>> again;
  for (const Pending& pending : turn.batch) {
    if (!pending->iteration.again) continue;
    Listen(version, *pending);
    again.emplace_back(pending.get(), pending->request.cancellation);
  }
  const ServedVersion::RunCost cost = CostOf(turn.batch, execution.run);
  version->OnRunEnded(turn.batch, turn.instance, clock_.Now());
  for (Pending& pending : turn.batch) {
    if (pending == nullptr || !pending->iteration.again) continue;
    const Status why = pending->fate.ok() ? version->Refusal() : pending->fate;
    version->counters().OnRefused(FailureReason::kOther);
    Answer(*version, std::exchange(pending, nullptr), Error(why));
  }
  AnswerAll(*version, std::move(turn.batch), std::move(execution));
  std::vector<Pending> none;
  const ServedVersion::FollowUp next = version->EndTurn(none, cost);
  // Its callback may have run before there was anything to take back.
  for (const auto& [identity, cancellation] : again)
    if (IsCancelled(cancellation)) OnCancelled(version, identity);
  return next;
}

ServedVersion::FollowUp Serving::RunDecoupled(const VersionPtr& version, ServedVersion::Turn turn) {
  const auto on_end = [this, gate = gate_, version](const ServedVersion::StreamPtr& stream) {
    const auto next = version->Close(stream);
    gate->Enter([&] { Arrange(version, next); });
  };
  for (const Pending& pending : turn.batch) {
    if (pending->null_row) continue;  // each request has a run of its own
    auto stream = std::make_shared<ResponseStream>(version, *pending, clock_, on_end);
    if (version->Open(stream)) {
      ExecuteDecoupled(*version, *pending, stream, clock_);
    } else {
      stream->Fail(version->Refusal());
    }
  }
  version->OnRunEnded(turn.batch, turn.instance, clock_.Now());
  std::vector<Pending> none;
  return version->EndTurn(none, {});
}

void Serving::OnAlarm(const VersionPtr& version) {
  const TimePoint now = clock_.Now();
  ServedVersion::Turn turn = version->OnAlarm(now);
  Shed(*version, std::move(turn.expired), now);
  Arrange(version, turn.next);
}

void Serving::OnCancelled(const VersionPtr& version, const PendingRequest* request) {
  const TimePoint now = clock_.Now();
  ServedVersion::Turn turn = version->OnCancelled(request, now);
  Shed(*version, std::move(turn.expired), now);
  Arrange(version, turn.next);
}

void Serving::Arrange(const VersionPtr& version, const ServedVersion::FollowUp& next) {
  if (next.alarm != TimePoint::max()) alarms_.Set(version, next.alarm);
  if (next.schedule) lanes_.Schedule(version);
  if (!next.rest) return;
  alarms_.Forget(*version);
  if (rate_ != nullptr && !version->spec().ensemble) GiveLeave(rate_->Remove(*version));
  reaper_.Rest(version);
}

std::vector<Serving::Returned> Serving::TakeBack(ServedVersion& version,
                                                 std::vector<Pending>& requests) {
  std::vector<Returned> returned;
  std::vector<Pending> others;
  for (Pending& pending : requests) {
    if (!MayBeginAgain(version.spec(), *pending)) {
      others.push_back(std::move(pending));
      continue;
    }
    StopListening(*pending);
    version.counters().Leave();
    returned.push_back({RequestOf(*pending), std::move(pending->respond)});
  }
  requests = std::move(others);
  return returned;
}

void Serving::FailAll(ServedVersion& version, std::vector<Pending> requests, const Status& status) {
  for (Pending& pending : requests) {
    version.counters().OnRefused(FailureReason::kOther);
    Answer(version, std::move(pending), Error(status));
  }
}

}  // namespace sarai::engine
