#include "engine/execution.h"

#include <utility>

#include "engine/batch.h"

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

Result<std::vector<std::vector<Tensor>>> RunSteps(const ServedVersion& version,
                                                  std::span<const Pending> batch, Stopwatch& watch,
                                                  Counters::Run& run) {
  auto inputs = JoinInputs(batch);
  run.compute_input = watch.Lap();
  if (!inputs) return Error(std::move(inputs).error());
  auto outputs = version.model().Execute(*inputs, {.outputs = WantedOutputs(batch)});
  run.compute_infer = watch.Lap();
  if (!outputs) return Error(std::move(outputs).error());
  auto answers = SplitOutputs(version.spec(), std::move(*outputs), batch);
  run.compute_output = watch.Lap();
  return answers;
}

void AddTimes(std::span<const Pending> batch, TimePoint start, TimePoint end, Counters::Run& run) {
  run.requests = batch.size();
  for (const Pending& pending : batch) {
    run.batch += pending->batch;
    run.queue += start - pending->arrived;
    run.lived += end - pending->arrived;
  }
}

}  // namespace

Execution Execute(const ServedVersion& version, std::span<const Pending> batch,
                  const Clock& clock) {
  Execution execution;
  Stopwatch watch(clock);
  const TimePoint start = watch.last();
  auto outputs = RunSteps(version, batch, watch, execution.run);
  AddTimes(batch, start, watch.last(), execution.run);
  execution.run.ok = outputs.has_value();
  execution.run.at = clock.WallNow();
  if (outputs) {
    execution.outputs = std::move(*outputs);
  } else {
    execution.status = outputs.error().WithContext(fmt::format("model '{}'", version.spec().name));
  }
  return execution;
}

bool MayBeOneRequestsFault(const Execution& execution, std::span<const Pending> batch) {
  if (execution.status.ok() || batch.size() < 2) return false;
  const Code code = execution.status.code();
  return code == Code::kInvalidArgument || code == Code::kInternal;
}

}  // namespace sarai::engine
