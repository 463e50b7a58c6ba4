#include "policy/sequence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::policy {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

TimePoint At(int64_t ms) { return TimePoint{} + milliseconds(ms); }

TEST(JudgeArrival, AsksForIdStartAndABatchOfOne) {
  struct Case {
    SequenceArrival arrival;
    SequenceVerdict verdict;
  };
  const std::vector<Case> cases = {
      {{.has_id = true, .known = true}, SequenceVerdict::kContinue},
      {{.has_id = true, .start = true}, SequenceVerdict::kBegin},
      {{.has_id = true, .known = true, .start = true}, SequenceVerdict::kRestart},
      {{.has_id = true}, SequenceVerdict::kNotStarted},
      {{.start = true}, SequenceVerdict::kNoId},
      {{}, SequenceVerdict::kNoId},
      {{.has_id = true, .known = true, .batch = 2}, SequenceVerdict::kBatchTooLarge},
      {{.iterative = true}, SequenceVerdict::kBegin},
      {{.has_id = true, .known = true, .start = true, .iterative = true}, SequenceVerdict::kBegin},
      {{.has_id = true, .known = true, .iterative = true}, SequenceVerdict::kNotStarted},
      {{.batch = 2, .iterative = true}, SequenceVerdict::kBatchTooLarge},
  };
  for (size_t i = 0; i < cases.size(); ++i)
    EXPECT_EQ(JudgeArrival(cases[i].arrival), cases[i].verdict) << "case " << i;
}

TEST(SlotsPerInstance, FollowTheStrategy) {
  ModelSpec spec{.max_batch_size = 0, .sequence = SequenceSpec{}};
  EXPECT_EQ(SlotsPerInstance(spec), 1u);
  spec.max_batch_size = 8;
  EXPECT_EQ(SlotsPerInstance(spec), 8u);
  spec.sequence->strategy = SequenceSpec::Strategy::kOldest;
  spec.sequence->max_candidate_sequences = 3;
  EXPECT_EQ(SlotsPerInstance(spec), 3u);
}

TEST(ChooseSlot, TakesTheLowestOverAllInstances) {
  const auto choose = [](std::vector<size_t> first_free) {
    const auto choice = ChooseSlot(first_free, 4);
    return choice ? fmt::format("{}:{}", choice->instance, choice->slot) : "none";
  };
  EXPECT_EQ(choose({0, 0}), "0:0");
  EXPECT_EQ(choose({1, 0}), "1:0");
  EXPECT_EQ(choose({4, 3}), "1:3");
  EXPECT_EQ(choose({4, 4}), "none");
  EXPECT_EQ(choose({}), "none");
}

TEST(NextRows, RunsWhatWaitsEachInItsRow) {
  const SequenceSpec spec;
  EXPECT_THAT(NextRows(std::vector<SlotView>(3), spec, 4, At(0)).rows, IsEmpty());
  const std::vector<SlotView> slots = {{}, {.waits = true}, {}, {.waits = true}, {}};
  EXPECT_THAT(NextRows(slots, spec, 8, At(0)).rows, ElementsAre(false, true, false, true));
}

TEST(NextRows, OtherShapesThanTheOldestsWaitForTheNextBatch) {
  const std::vector<SlotView> slots = {{.waits = true, .shape_key = 1, .arrived = At(5)},
                                       {.waits = true, .shape_key = 2, .arrived = At(1)},
                                       {.waits = true, .shape_key = 1, .arrived = At(2)}};
  EXPECT_THAT(NextRows(slots, {}, 4, At(9)).rows, ElementsAre(false, true));
}

TEST(NextRows, WaitsForEnoughSlotsOrTheDelay) {
  const SequenceSpec spec{.max_queue_delay = milliseconds(10), .minimum_slot_utilization = 0.5};
  std::vector<SlotView> slots = {{.waits = true, .arrived = At(3)}, {}, {}, {}};
  const RowsDecision early = NextRows(slots, spec, 4, At(12));
  EXPECT_THAT(early.rows, IsEmpty());
  EXPECT_EQ(early.wake_at, At(13));
  EXPECT_THAT(NextRows(slots, spec, 4, At(13)).rows, ElementsAre(true));
  slots[2] = {.waits = true, .arrived = At(4)};
  EXPECT_THAT(NextRows(slots, spec, 4, At(5)).rows, ElementsAre(true, false, true));
}

TEST(NextRows, OneSettingAloneHoldsNothingBack) {
  const std::vector<SlotView> slots = {{.waits = true, .arrived = At(0)}};
  for (const SequenceSpec& spec : {SequenceSpec{.max_queue_delay = milliseconds(10)},
                                   SequenceSpec{.minimum_slot_utilization = 1}})
    EXPECT_THAT(NextRows(slots, spec, 4, At(0)).rows, ElementsAre(true));
}

TEST(OldestLimits, LetNextBatchGatherCandidates) {
  const ModelSpec spec{.max_batch_size = 4,
                       .sequence = SequenceSpec{.strategy = SequenceSpec::Strategy::kOldest,
                                                .max_queue_delay = milliseconds(10),
                                                .preferred_sizes = {2}}};
  const BatchLimits limits = OldestLimits(spec);
  const std::vector<QueuedRequest> one = {{.arrived = At(0)}};
  EXPECT_EQ(NextBatch(one, limits, At(1)).take, 0u);
  EXPECT_EQ(NextBatch(one, limits, At(10)).take, 1u);
  const std::vector<QueuedRequest> three(3, QueuedRequest{.arrived = At(0)});
  EXPECT_EQ(NextBatch(three, limits, At(1)).take, 2u);
}

}  // namespace
}  // namespace sarai::policy
