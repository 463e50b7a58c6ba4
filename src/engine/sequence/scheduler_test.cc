#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "engine/sequence/sequence_scheduler.h"
#include "engine/testing/test_values.h"

namespace sarai::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr TimePoint kStart{std::chrono::hours(1)};
constexpr TimePoint At(int64_t ms) { return kStart + milliseconds(ms); }

// A step of sequence `id`, marked "s" for START and "e" for END.
Pending Step(CorrelationId id, std::string_view marks, std::string name = "",
             TimePoint arrived = kStart) {
  auto pending = std::make_unique<PendingRequest>();
  pending->request.id = std::move(name);
  pending->request.sequence = std::move(id);
  pending->request.sequence_start = marks.contains('s');
  pending->request.sequence_end = marks.contains('e');
  pending->inputs = {Floats("x", {1, 1}, {1})};
  pending->shape_key = 1;
  pending->arrived = arrived;
  return pending;
}

std::vector<std::string> Names(const std::vector<Pending>& batch) {
  std::vector<std::string> names;
  for (const Pending& pending : batch)
    names.push_back(pending->null_row ? "null" : pending->request.id);
  return names;
}

ModelSpec Direct(int64_t batch, int instances = 1) {
  return {.name = "m",
          .max_batch_size = batch,
          .instance_count = instances,
          .sequence = SequenceSpec{.max_idle = seconds(1)}};
}

ModelSpec Iterative(ModelSpec spec) {
  spec.sequence->iterative = true;
  return spec;
}

ModelSpec Oldest(int64_t batch, int64_t candidates) {
  ModelSpec spec = Direct(batch);
  spec.sequence->strategy = SequenceSpec::Strategy::kOldest;
  spec.sequence->max_candidate_sequences = candidates;
  return spec;
}

class SequenceSchedulerTest : public testing::Test {
 protected:
  void Use(ModelSpec model, SequenceOptions options = {}) {
    spec = std::move(model);
    std::vector<Tensor> initial;
    for (const SequenceState& state : spec.sequence->states)
      initial.push_back(Floats(state.input, {1, 1}, {0}));
    scheduler.emplace(spec, options, std::move(initial));
  }
  Status Push(Pending pending, TimePoint now = kStart) { return scheduler->Push(pending, now); }
  // Ends the run of what was taken; those of `again` are not done.
  void EndRun(Scheduler::Taken& taken, std::set<std::string> again, TimePoint now = kStart) {
    for (Pending& pending : taken.batch)
      pending->iteration.again = again.contains(pending->request.id);
    scheduler->OnRunEnded(taken.batch, taken.instance, now);
  }
  void Put(uint64_t id, std::string_view marks, std::string name, TimePoint now = kStart) {
    const Status status = Push(Step(id, marks, std::move(name), now), now);
    ASSERT_TRUE(status.ok()) << status.message();
  }
  // Takes a batch and ends its run.
  std::vector<std::string> Run(TimePoint now = kStart) {
    Scheduler::Taken taken = scheduler->Take(now);
    if (!taken.batch.empty()) scheduler->OnRunEnded(taken.batch, taken.instance, now);
    return Names(taken.batch);
  }

  ModelSpec spec;
  std::optional<SequenceScheduler> scheduler;
};

TEST_F(SequenceSchedulerTest, EachSequenceKeepsItsRowAndEmptyOnesAreFilled) {
  Use(Direct(4));
  Put(1, "s", "a1");
  Put(2, "s", "b1");
  Put(3, "s", "c1");
  EXPECT_THAT(Run(), ElementsAre("a1", "b1", "c1"));
  Put(3, "", "c2");
  EXPECT_THAT(Run(), ElementsAre("null", "null", "c2"));
  Put(2, "e", "b2");
  EXPECT_THAT(Run(), ElementsAre("null", "b2"));
  Put(4, "s", "d1");
  Put(3, "", "c3");
  EXPECT_THAT(Run(), ElementsAre("null", "d1", "c3"));
}

TEST_F(SequenceSchedulerTest, OneStepOfASequenceAtATimeInOrder) {
  Use(Oldest(4, 4));
  Put(1, "s", "a1");
  Put(1, "", "a2");
  auto first = scheduler->Take(kStart);
  EXPECT_THAT(Names(first.batch), ElementsAre("a1"));
  Put(2, "s", "b1");
  EXPECT_THAT(scheduler->Take(kStart).batch, IsEmpty()) << "its instance runs";
  scheduler->OnRunEnded(first.batch, first.instance, kStart);
  EXPECT_THAT(Run(), ElementsAre("a2", "b1"));
}

TEST_F(SequenceSchedulerTest, SequencesSpreadOverInstancesAndStay) {
  Use(Direct(2, 2));
  Put(1, "s", "a1");
  Put(2, "s", "b1");
  auto one = scheduler->Take(kStart), two = scheduler->Take(kStart);
  EXPECT_THAT(Names(one.batch), ElementsAre("a1"));
  EXPECT_THAT(Names(two.batch), ElementsAre("b1"));
  EXPECT_NE(one.instance, two.instance);
  scheduler->OnRunEnded(one.batch, one.instance, kStart);
  scheduler->OnRunEnded(two.batch, two.instance, kStart);
  Put(2, "", "b2");
  EXPECT_EQ(scheduler->Take(kStart).instance, two.instance);
}

TEST_F(SequenceSchedulerTest, WithoutASlotSequencesWaitInTheOrderOfTheirStart) {
  Use(Direct(0));
  Put(1, "s", "a1");
  Put(2, "s", "b1");
  Put(3, "se", "c1");
  Put(2, "e", "b2");
  EXPECT_THAT(Run(), ElementsAre("a1"));
  EXPECT_THAT(Run(), IsEmpty());
  Put(1, "e", "a2");
  EXPECT_THAT(Run(), ElementsAre("a2"));
  EXPECT_THAT(Run(), ElementsAre("b1"));
  EXPECT_THAT(Run(), ElementsAre("b2"));
  EXPECT_THAT(Run(), ElementsAre("c1"));
  EXPECT_EQ(scheduler->sequences(), 0u);
}

TEST_F(SequenceSchedulerTest, OldestTakesTheLongestWaitingOfItsCandidates) {
  Use(Oldest(2, 3));
  Put(1, "s", "a1", At(3));
  Put(2, "s", "b1", At(1));
  Put(3, "s", "c1", At(2));
  Put(4, "s", "d1", At(0));
  EXPECT_THAT(Run(At(5)), ElementsAre("b1", "c1"));
  EXPECT_THAT(Run(At(5)), ElementsAre("a1")) << "the fourth has no slot";
}

TEST_F(SequenceSchedulerTest, RefusesWhatBelongsToNoSequence) {
  Use(Direct(4));
  const Status unknown = Push(Step(uint64_t{5}, ""));
  EXPECT_EQ(unknown.code(), Code::kInvalidArgument);
  EXPECT_THAT(unknown.message(), HasSubstr("sequence 5 to model 'm' must specify the START flag"));
  EXPECT_THAT(Push(Step("five", "")).message(), HasSubstr("sequence five"));
  EXPECT_THAT(Push(Step(uint64_t{0}, "s")).message(), HasSubstr("correlation ID"));
  EXPECT_THAT(Push(Step("", "s")).message(), HasSubstr("correlation ID"));
  Pending two = Step(uint64_t{1}, "s");
  two->batch = 2;
  EXPECT_THAT(Push(std::move(two)).message(), HasSubstr("batch-size 1"));
  EXPECT_EQ(scheduler->size(), 0u);
}

TEST_F(SequenceSchedulerTest, TextAndNumberAreDifferentIds) {
  Use(Direct(4));
  Put(1, "s", "a");
  EXPECT_FALSE(Push(Step("1", "")).ok());
  EXPECT_TRUE(Push(Step("1", "s", "b")).ok());
  EXPECT_THAT(Run(), ElementsAre("a", "b"));
}

TEST_F(SequenceSchedulerTest, AfterItsEndAnIdIsUnknown) {
  Use(Direct(4));
  Put(1, "se", "a1");
  EXPECT_FALSE(Push(Step(uint64_t{1}, "")).ok());
  EXPECT_THAT(Run(), ElementsAre("a1"));
  EXPECT_EQ(scheduler->sequences(), 0u);
}

TEST_F(SequenceSchedulerTest, StartOfALiveSequenceGoesOnInItsSlot) {
  Use(Direct(4));
  Put(1, "s", "a1");
  Put(1, "", "a2");
  Put(1, "s", "again");
  EXPECT_EQ(scheduler->sequences(), 1u);
  EXPECT_THAT(Run(), ElementsAre("a1"));
  EXPECT_THAT(Run(), ElementsAre("a2"));
  EXPECT_THAT(Run(), ElementsAre("again"));
}

TEST_F(SequenceSchedulerTest, IdlingEndsASequenceAndLetsTheNextIn) {
  Use(Direct(0));
  Put(1, "s", "a1");
  Put(2, "s", "b1");
  EXPECT_THAT(Run(At(100)), ElementsAre("a1"));
  auto waiting = scheduler->Take(At(200));
  EXPECT_THAT(waiting.batch, IsEmpty());
  EXPECT_EQ(waiting.wake_at, At(1100));
  EXPECT_THAT(Run(At(1100)), ElementsAre("b1"));
  EXPECT_FALSE(Push(Step(uint64_t{1}, ""), At(1100)).ok());
}

TEST_F(SequenceSchedulerTest, NothingThatRunsOrWaitsIsIdle) {
  Use(Direct(0));
  Put(1, "s", "a1");
  EXPECT_THAT(scheduler->TakeExpired(At(5000)).expired, IsEmpty());
  auto running = scheduler->Take(At(5000));
  EXPECT_EQ(scheduler->TakeExpired(At(7000)).wake_at, At(8000));
  scheduler->OnRunEnded(running.batch, running.instance, At(7500));
  EXPECT_EQ(scheduler->TakeExpired(At(8000)).wake_at, At(8500));
  EXPECT_EQ(scheduler->sequences(), 1u);
  scheduler->TakeExpired(At(8500));
  EXPECT_EQ(scheduler->sequences(), 0u);
}

TEST_F(SequenceSchedulerTest, ACancelledStepEndsItsSequence) {
  Use(Direct(4));
  Pending cancelled = Step(uint64_t{1}, "s", "a1");
  cancelled->request.cancellation = std::make_shared<Cancellation>();
  const CancellationPtr cancellation = cancelled->request.cancellation;
  const PendingRequest* const identity = cancelled.get();
  ASSERT_TRUE(Push(std::move(cancelled)).ok());
  Put(1, "", "a2");
  EXPECT_THAT(scheduler->TakeCancelled(identity, kStart), IsEmpty()) << "it is not cancelled";
  cancellation->Cancel();
  const auto left = scheduler->TakeCancelled(identity, kStart);
  EXPECT_THAT(Names(left), ElementsAre("a1", "a2"));
  EXPECT_TRUE(left[0]->fate.ok());
  EXPECT_EQ(left[1]->fate.code(), Code::kCancelled);
  EXPECT_EQ(scheduler->size(), 0u);
  EXPECT_FALSE(Push(Step(uint64_t{1}, "")).ok());
}

TEST_F(SequenceSchedulerTest, WhatRunsOfACancelledSequenceRunsToItsEnd) {
  Use(Direct(0));
  Put(1, "s", "a1");
  auto running = scheduler->Take(kStart);
  Pending next = Step(uint64_t{1}, "", "a2");
  next->request.cancellation = std::make_shared<Cancellation>();
  next->request.cancellation->Cancel();
  const PendingRequest* const identity = next.get();
  ASSERT_TRUE(Push(std::move(next)).ok());
  EXPECT_THAT(Names(scheduler->TakeCancelled(identity, kStart)), ElementsAre("a2"));
  Put(2, "s", "b1");
  EXPECT_THAT(Run(), IsEmpty());
  scheduler->OnRunEnded(running.batch, running.instance, kStart);
  EXPECT_THAT(Run(), ElementsAre("b1"));
}

TEST_F(SequenceSchedulerTest, InTheBacklogARequestsTimeoutEndsItsSequence) {
  Use(Direct(0));
  Put(1, "s", "a1");
  EXPECT_THAT(Run(), ElementsAre("a1"));
  Pending hasty = Step(uint64_t{2}, "s", "b1");
  hasty->request.timeout = milliseconds(10);
  ASSERT_TRUE(Push(std::move(hasty)).ok());
  Put(2, "", "b2");
  EXPECT_EQ(scheduler->Take(kStart).wake_at, At(10));
  const auto expired = scheduler->TakeExpired(At(10)).expired;
  EXPECT_THAT(Names(expired), ElementsAre("b1", "b2"));
  EXPECT_EQ(expired[1]->fate.code(), Code::kUnavailable);
  EXPECT_THAT(expired[0]->fate.message(), HasSubstr("timeout of the corresponding sequence"));
}

TEST_F(SequenceSchedulerTest, WithASlotARequestsTimeoutDoesNotCount) {
  Use(Direct(0));
  Put(1, "s", "a1");
  Pending patient = Step(uint64_t{2}, "s", "b1");
  patient->request.timeout = milliseconds(10);
  ASSERT_TRUE(Push(std::move(patient)).ok());
  Put(1, "e", "a2");
  EXPECT_THAT(Run(), ElementsAre("a1"));
  EXPECT_THAT(Run(), ElementsAre("a2"));
  EXPECT_THAT(scheduler->TakeExpired(At(50)).expired, IsEmpty());
  EXPECT_THAT(Run(At(50)), ElementsAre("b1"));
}

TEST_F(SequenceSchedulerTest, WaitingRequestsAreBounded) {
  Use(Direct(4), {.max_waiting = 2});
  Put(1, "s", "a1");
  Put(1, "", "a2");
  EXPECT_EQ(Push(Step(uint64_t{2}, "s")).code(), Code::kUnavailable);
  EXPECT_EQ(scheduler->sequences(), 1u);
}

TEST_F(SequenceSchedulerTest, StatesGoFromStepToStep) {
  ModelSpec model = Direct(4);
  model.sequence->states = {{.input = "IN", .output = "OUT", .type = DataType::kFp32, .dims = {1}}};
  Use(model, {.max_state_bytes = 8});
  const auto step = [&](std::string_view marks, float next) {
    EXPECT_TRUE(Push(Step(uint64_t{1}, marks)).ok());
    auto taken = scheduler->Take(kStart);
    taken.batch[0]->new_states = {Floats("OUT", {1, 1}, {next})};
    scheduler->OnRunEnded(taken.batch, taken.instance, kStart);
    EXPECT_EQ(taken.batch[0]->inputs.back().name, "IN");
    return FloatsOf(taken.batch[0]->inputs.back()).at(0);
  };
  EXPECT_EQ(step("s", 5), 0);
  EXPECT_EQ(step("", 6), 5);
  EXPECT_EQ(scheduler->state_bytes(), 4u);
  EXPECT_EQ(step("s", 7), 0) << "a new start forgets";
  EXPECT_EQ(step("e", 8), 7);
  EXPECT_EQ(scheduler->state_bytes(), 0u);
}

TEST_F(SequenceSchedulerTest, AFailedStepLeavesTheStateAsItWas) {
  ModelSpec model = Direct(4);
  model.sequence->states = {{.input = "IN", .output = "OUT", .type = DataType::kFp32, .dims = {1}}};
  Use(model);
  Put(1, "s", "a1");
  auto taken = scheduler->Take(kStart);
  taken.batch[0]->new_states = {Floats("OUT", {1, 1}, {5})};
  scheduler->OnRunEnded(taken.batch, taken.instance, kStart);
  Put(1, "", "a2");
  EXPECT_THAT(Run(), ElementsAre("a2"));  // leaves no states
  Put(1, "", "a3");
  EXPECT_THAT(FloatsOf(scheduler->Take(kStart).batch[0]->inputs.back()), ElementsAre(5));
}

TEST_F(SequenceSchedulerTest, StatesAreBoundedAndWhatWaitsIsToldSo) {
  ModelSpec model = Direct(4);
  model.sequence->states = {{.input = "IN", .output = "OUT", .type = DataType::kFp32, .dims = {1}}};
  Use(model, {.max_state_bytes = 3});
  Put(1, "s", "a1");
  Put(1, "", "a2");
  auto taken = scheduler->Take(kStart);
  taken.batch[0]->new_states = {Floats("OUT", {1, 1}, {5})};
  scheduler->OnRunEnded(taken.batch, taken.instance, kStart);
  auto next = scheduler->Take(kStart);
  EXPECT_THAT(next.batch, IsEmpty());
  ASSERT_THAT(Names(next.expired), ElementsAre("a2"));
  EXPECT_EQ(next.expired[0]->fate.code(), Code::kResourceExhausted);
  EXPECT_EQ(scheduler->sequences(), 0u);
  EXPECT_EQ(scheduler->state_bytes(), 0u);
}

TEST_F(SequenceSchedulerTest, HandsOutAllThatWaits) {
  Use(Direct(0));
  Put(1, "s", "a1");
  Put(2, "s", "b1");
  EXPECT_THAT(Names(scheduler->TakeAll()), testing::UnorderedElementsAre("a1", "b1"));
  EXPECT_TRUE(scheduler->empty());
  EXPECT_EQ(scheduler->sequences(), 0u);
}

TEST_F(SequenceSchedulerTest, ARequestThatIsNotDoneKeepsItsRowAndGivesItUpWhenItIs) {
  Use(Iterative(Direct(2)));
  Put(0, "", "a");
  Put(0, "", "b");
  Put(0, "", "c");
  for (const std::vector<std::string>& names : {std::vector<std::string>{"a", "b"}, {"a", "b"}}) {
    auto taken = scheduler->Take(kStart);
    EXPECT_EQ(Names(taken.batch), names);
    EndRun(taken, {names.back(), names.front()});
  }
  auto taken = scheduler->Take(kStart);
  EndRun(taken, {"b"});
  EXPECT_THAT(Run(), ElementsAre("c", "b")) << "as it was taken, into the row that is free";
  EXPECT_EQ(scheduler->sequences(), 0u);
}

TEST_F(SequenceSchedulerTest, OfThoseThatAreNotDoneTheOnesThatRanLastWait) {
  Use(Iterative(Oldest(2, 3)));
  for (const char* name : {"a", "b", "c"}) Put(0, "", name);
  auto taken = scheduler->Take(kStart);
  EXPECT_THAT(Names(taken.batch), ElementsAre("a", "b"));
  EndRun(taken, {"a", "b"}, At(1));
  EXPECT_THAT(Run(At(1)), ElementsAre("c", "a"));
}

TEST_F(SequenceSchedulerTest, AnIterativeModelsOwnIdsAreNobodysSmallNumbers) {
  Use(Iterative(Direct(2)));
  Put(0, "", "a");
  Put(0, "", "b");
  const auto taken = scheduler->Take(kStart);
  EXPECT_GT(std::get<uint64_t>(taken.batch[0]->request.sequence), 1ull << 62);
  EXPECT_NE(taken.batch[0]->request.sequence, taken.batch[1]->request.sequence);
}

}  // namespace
}  // namespace sarai::engine
