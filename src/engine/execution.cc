#include "engine/execution.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "engine/batch.h"
#include "engine/response_stream.h"

namespace sarai::engine {
namespace {

// Hands out the time since it was last asked.
class Stopwatch {
 public:
  explicit Stopwatch(const Clock& clock) : clock_(clock), last_(clock.Now()) {}
  Duration Lap() {
    const TimePoint now = clock_.Now();
    return now - std::exchange(last_, now);
  }
  TimePoint last() const { return last_; }

 private:
  const Clock& clock_;
  TimePoint last_;
};

// Of several runs of one request a trace shows the beginning of the first and the end of the last.
void StampAll(std::span<const Pending> batch, TraceActivity activity, TimePoint at) {
  const bool begins =
      activity == TraceActivity::kComputeStart || activity == TraceActivity::kComputeInputEnd;
  for (const Pending& pending : batch)
    if (begins ? pending->iteration.number == 0 : !pending->iteration.again)
      Stamp(pending->request.trace, activity, at);
}

void TraceTensors(const TracePtr& trace, TraceActivity activity,
                  const std::vector<Tensor>& tensors) {
  if (trace == nullptr || !trace->wants_tensors()) return;
  for (const Tensor& tensor : tensors) trace->AddTensor(activity, tensor);
}

void DescribeRequest(const InferRequest& request, backends::ExecuteContext& context) {
  context.parameters = request.parameters;
  context.request_id = request.id;
  context.sequence = request.sequence;
  context.cancellation = request.cancellation;
}

backends::ExecuteContext ContextOf(const ModelSpec& spec, std::span<const Pending> batch) {
  backends::ExecuteContext context{.outputs = WantedOutputs(spec, batch)};
  if (batch.size() == 1) DescribeRequest(batch.front()->request, context);
  return context;
}

std::vector<backends::IterationRow> RowsOf(const ModelSpec& spec, std::span<const Pending> batch) {
  std::vector<backends::IterationRow> rows;
  if (!spec.sequence || !spec.sequence->iterative) return rows;
  for (const Pending& pending : batch)
    rows.push_back({.sequence = pending->request.sequence,
                    .number = pending->iteration.number,
                    .null_row = pending->null_row,
                    .cancellation = pending->request.cancellation});
  return rows;
}

void NoteWhatTheModelSaid(std::span<const backends::IterationRow> rows,
                          std::span<const Pending> batch, bool decoupled) {
  for (size_t i = 0; i < rows.size(); ++i) {
    batch[i]->iteration.again = rows[i].again && !rows[i].null_row;
    batch[i]->iteration.respond = decoupled ? rows[i].respond : !rows[i].again;
  }
}

Result<std::vector<std::vector<Tensor>>> RunSteps(const ServedVersion& version,
                                                  std::span<const Pending> batch, Stopwatch& watch,
                                                  Counters::Run& run) {
  StampAll(batch, TraceActivity::kComputeStart, watch.last());
  auto inputs = JoinInputs(version.spec(), batch);
  run.compute_input = watch.Lap();
  StampAll(batch, TraceActivity::kComputeInputEnd, watch.last());
  if (!inputs) return Error(std::move(inputs).error());
  for (const Pending& pending : batch)
    TraceTensors(pending->request.trace, TraceActivity::kTensorBackendInput, pending->inputs);
  std::vector<backends::IterationRow> rows = RowsOf(version.spec(), batch);
  backends::ExecuteContext context = ContextOf(version.spec(), batch);
  context.iteration = rows;
  auto outputs = version.model().Execute(*inputs, context);
  run.compute_infer = watch.Lap();
  StampAll(batch, TraceActivity::kComputeOutputStart, watch.last());
  if (!outputs) return Error(std::move(outputs).error());
  auto answers = SplitOutputs(version.spec(), std::move(*outputs), batch);
  run.compute_output = watch.Lap();
  if (!answers) return answers;
  NoteWhatTheModelSaid(rows, batch, version.spec().decoupled);
  for (size_t i = 0; i < batch.size(); ++i)
    TraceTensors(batch[i]->request.trace, TraceActivity::kTensorBackendOutput, (*answers)[i]);
  return answers;
}

void AddTimes(std::span<const Pending> batch, TimePoint start, TimePoint end, Counters::Run& run) {
  for (const Pending& pending : batch) {
    if (pending->null_row) {
      ++run.null_rows;
      continue;
    }
    run.queue += start - WaitsSince(*pending);
    if (pending->iteration.again) {
      ++run.going_on;
      continue;
    }
    ++run.requests;
    run.batch += pending->batch;
    run.lived += end - pending->arrived;
  }
}

// The states among a decoupled run's responses: the last of each, until the run has returned.
class GivenStates {
 public:
  explicit GivenStates(const ModelSpec& spec) : spec_(spec) {}

  // False: it is a response of states alone, nothing for the caller.
  bool See(const Result<std::vector<Tensor>>& outputs) {
    if (!outputs || outputs->empty()) return true;
    bool others = false;
    std::lock_guard lock(mu_);
    for (const Tensor& output : *outputs) {
      const bool state = Has(spec_.sequence->states, output.name, &SequenceState::output);
      others = others || !state || Has(spec_.outputs, output.name, &TensorSpec::name);
      if (state && !closed_) given_[output.name] = output;
    }
    return others;
  }
  std::map<std::string, Tensor, std::less<>> Close() {
    std::lock_guard lock(mu_);
    closed_ = true;
    return std::move(given_);
  }

 private:
  static bool Has(const auto& all, const std::string& name, auto member) {
    return std::ranges::find(all, name, member) != all.end();
  }

  const ModelSpec& spec_;
  std::mutex mu_;
  std::map<std::string, Tensor, std::less<>> given_;  // guarded by mu_
  bool closed_ = false;                               // guarded by mu_
};

}  // namespace

Execution Execute(const ServedVersion& version, std::span<const Pending> batch,
                  const Clock& clock) {
  Execution execution;
  Stopwatch watch(clock);
  const TimePoint start = watch.last();
  auto outputs = RunSteps(version, batch, watch, execution.run);
  StampAll(batch, TraceActivity::kComputeEnd, watch.last());
  AddTimes(batch, start, watch.last(), execution.run);
  execution.run.ok = outputs.has_value();
  execution.run.at = clock.WallNow();
  if (outputs) {
    execution.outputs = std::move(*outputs);
  } else {
    if (outputs.error().code() == Code::kCancelled) execution.run.reason = FailureReason::kCanceled;
    execution.status = outputs.error().WithContext(fmt::format("model '{}'", version.spec().name));
  }
  return execution;
}

void ExecuteDecoupled(const ServedVersion& version, PendingRequest& request,
                      const std::shared_ptr<ResponseStream>& stream, const Clock& clock) {
  const TimePoint start = clock.Now();
  TraceTensors(stream->trace(), TraceActivity::kTensorBackendInput, request.inputs);
  backends::ExecuteContext context;
  for (const RequestedOutput& output : request.request.outputs)
    context.outputs.push_back(output.name);
  DescribeRequest(request.request, context);
  stream->OnComputeStart(start, clock.Now());
  const ModelSpec& spec = version.spec();
  const bool stateful = spec.sequence && !spec.sequence->states.empty();
  const auto states = stateful ? std::make_shared<GivenStates>(spec) : nullptr;
  const Status ran = version.model().ExecuteDecoupled(
      request.inputs, context, [stream, states](Result<std::vector<Tensor>> outputs, bool final) {
        if (states == nullptr || states->See(outputs)) {
          stream->Respond(std::move(outputs), final);
        } else if (final) {
          stream->Respond(std::vector<Tensor>(), true);
        }
      });
  if (!ran.ok()) return stream->Fail(ran.WithContext(fmt::format("model '{}'", spec.name)));
  if (!stateful) return;
  auto next = NextStates(spec, states->Close(), request);
  if (!next) return stream->Fail(std::move(next).error());
  request.new_states = std::move(*next);
}

bool MayBeOneRequestsFault(const Execution& execution, std::span<const Pending> batch) {
  if (execution.status.ok() || batch.size() < 2) return false;
  // A step of a sequence runs once: the model may have kept what the failed run left.
  if (std::ranges::any_of(batch, [](const Pending& each) { return each->sequence != 0; }))
    return false;
  const Code code = execution.status.code();
  return code == Code::kInvalidArgument || code == Code::kInternal;
}

}  // namespace sarai::engine
