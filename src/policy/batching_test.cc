#include "policy/batching.h"

#include <gtest/gtest.h>

namespace sarai::policy {
namespace {

using std::chrono::milliseconds;

constexpr TimePoint kStart{std::chrono::hours{1}};

TimePoint At(int ms) { return kStart + milliseconds(ms); }

QueuedRequest Request(int64_t batch, int arrived_ms, uint64_t shape = 0) {
  return {.batch = batch, .shape_key = shape, .arrived = At(arrived_ms)};
}

BatchLimits Limits(int64_t max, std::vector<int64_t> preferred = {}, int delay_ms = 0) {
  BatchLimits limits{.max_batch_size = max};
  limits.batching.enabled = true;
  limits.batching.preferred_sizes = std::move(preferred);
  limits.batching.max_queue_delay = milliseconds(delay_ms);
  return limits;
}

TEST(Batching, EmptyQueueHasNothingToDo) {
  const BatchDecision decision = NextBatch({}, Limits(8), At(0));
  EXPECT_EQ(decision.take, 0u);
  EXPECT_EQ(decision.wake_at, TimePoint::max());
}

TEST(Batching, WithoutBatchingEveryRequestRunsAlone) {
  const std::vector queue{Request(1, 0), Request(1, 1)};
  EXPECT_EQ(NextBatch(queue, {.max_batch_size = 8}, At(1)).take, 1u);
  EXPECT_EQ(NextBatch(queue, Limits(0), At(1)).take, 1u);
}

TEST(Batching, WithoutDelaySendsWhatIsThere) {
  const std::vector queue{Request(1, 0), Request(2, 0), Request(1, 0)};
  EXPECT_EQ(NextBatch(queue, Limits(8), At(0)).take, 3u);
}

TEST(Batching, StopsBeforeTheRequestThatWouldExceedTheMaximum) {
  const std::vector queue{Request(3, 0), Request(4, 0), Request(2, 0), Request(1, 0)};
  EXPECT_EQ(NextBatch(queue, Limits(8), At(0)).take, 2u);
}

TEST(Batching, StopsBeforeAnotherShapeAndDoesNotWaitForMore) {
  const std::vector queue{Request(1, 0, 7), Request(1, 0, 7), Request(1, 0, 9), Request(1, 0, 7)};
  EXPECT_EQ(NextBatch(queue, Limits(8, {}, 100), At(0)).take, 2u);
}

TEST(Batching, WaitsUntilTheOldestHasWaitedTheDelay) {
  const std::vector queue{Request(1, 0), Request(1, 3)};
  const BatchDecision early = NextBatch(queue, Limits(8, {}, 10), At(4));
  EXPECT_EQ(early.take, 0u);
  EXPECT_EQ(early.wake_at, At(10));
  EXPECT_EQ(NextBatch(queue, Limits(8, {}, 10), At(10)).take, 2u);
}

TEST(Batching, FullBatchDoesNotWait) {
  const std::vector queue{Request(4, 0), Request(4, 0), Request(1, 0)};
  EXPECT_EQ(NextBatch(queue, Limits(8, {}, 10), At(0)).take, 2u);
}

TEST(Batching, PreferredSizeIsSentAtOnceAndAFullerBatchIsCutBackToIt) {
  const std::vector queue{Request(1, 0), Request(1, 0), Request(1, 0), Request(1, 0),
                          Request(1, 0)};
  EXPECT_EQ(NextBatch(queue, Limits(8, {2, 4}, 10), At(1)).take, 4u);
  EXPECT_EQ(NextBatch(queue, Limits(8, {2, 4}, 0), At(1)).take, 4u);
}

TEST(Batching, AfterTheDelayAllGoesPreferredOrNot) {
  const std::vector queue{Request(1, 0), Request(1, 0), Request(1, 0)};
  EXPECT_EQ(NextBatch(queue, Limits(8, {2}, 10), At(10)).take, 3u);
}

TEST(Batching, JumpingOverTheLargestPreferredSizeSendsWhatCameBefore) {
  const std::vector queue{Request(3, 0), Request(3, 0)};
  EXPECT_EQ(NextBatch(queue, Limits(8, {4}, 10), At(0)).take, 1u);
}

TEST(Batching, OneRequestAboveTheLargestPreferredSizeDoesNotWait) {
  EXPECT_EQ(NextBatch(std::vector{Request(6, 0)}, Limits(8, {4}, 10), At(0)).take, 1u);
}

TEST(Batching, PreferredSizesOutOfRangeAreIgnored) {
  const std::vector queue{Request(1, 0), Request(1, 0)};
  EXPECT_EQ(NextBatch(queue, Limits(4, {0, -3, 9}, 10), At(0)).wake_at, At(10));
}

TEST(Batching, OversizeRequestRunsAloneRatherThanBlockingTheQueue) {
  const std::vector queue{Request(20, 0), Request(1, 0)};
  EXPECT_EQ(NextBatch(queue, Limits(8), At(0)).take, 1u);
}

TEST(Batching, WhatRunsAloneSharesNoBatchAndDoesNotWait) {
  QueuedRequest alone = Request(1, 0);
  alone.alone = true;
  EXPECT_EQ(NextBatch(std::vector{alone}, Limits(8, {}, 10), At(0)).take, 1u);
  EXPECT_EQ(NextBatch(std::vector{alone, Request(1, 0)}, Limits(8, {}, 10), At(0)).take, 1u);
  EXPECT_EQ(NextBatch(std::vector{Request(1, 0), alone}, Limits(8, {}, 10), At(0)).take, 1u);
}

TEST(Batching, TheDelayCountsFromTheOldestOfTheBatchWhereverItStands) {
  const std::vector queue{Request(1, 5), Request(1, 0)};  // the second is of a lower level
  EXPECT_EQ(NextBatch(queue, Limits(8, {}, 10), At(6)).wake_at, At(10));
}

TEST(Batching, NeedsToSeeOneRequestMoreThanFits) {
  EXPECT_EQ(RequestsToSee(Limits(8)), 9u);
  EXPECT_EQ(RequestsToSee(Limits(1)), 1u);
  EXPECT_EQ(RequestsToSee({.max_batch_size = 8}), 1u);
}

TEST(Priority, OneIsTheHighestAndWhatIsNotThereIsTheDefault) {
  BatchingSpec batching;
  EXPECT_EQ(PriorityLevel(batching, 7), 1u);  // no levels
  batching.priority_levels = 5;
  batching.default_priority_level = 3;
  struct Row {
    uint64_t asked, level;
  };
  for (const Row& row : std::vector<Row>{{1, 1}, {5, 5}, {0, 3}, {6, 3}})
    EXPECT_EQ(PriorityLevel(batching, row.asked), row.level) << row.asked;
}

TEST(Priority, ALevelMayHaveLimitsOfItsOwn) {
  BatchingSpec batching{.priority_levels = 2};
  batching.queue.max_queue_size = 10;
  batching.queue_by_level[2].max_queue_size = 3;
  EXPECT_EQ(LimitsOfLevel(batching, 1).max_queue_size, 10u);
  EXPECT_EQ(LimitsOfLevel(batching, 2).max_queue_size, 3u);
}

TEST(QueueTimeout, TheShorterOfModelsAndRequestsCountsWhereTheModelAllowsIt) {
  struct Row {
    int general_ms;
    bool override_allowed;
    int own_ms, expires_ms;  // 0 = never
  };
  for (const Row& row : std::vector<Row>{{0, false, 0, 0},
                                         {5, false, 0, 5},
                                         {5, false, 2, 5},
                                         {5, true, 2, 2},
                                         {5, true, 9, 5},
                                         {5, true, 0, 5},
                                         {0, true, 4, 4},
                                         {0, false, 4, 0}}) {
    const QueueLimits limits{.default_timeout = milliseconds(row.general_ms),
                             .allow_timeout_override = row.override_allowed};
    const WaitBounds bounds = BoundsOfWait(limits, milliseconds(row.own_ms), At(0));
    EXPECT_EQ(bounds.expires, row.expires_ms == 0 ? TimePoint::max() : At(row.expires_ms));
    EXPECT_EQ(bounds.demoted_at, TimePoint::max());
  }
}

TEST(QueueTimeout, DelayDemotesInsteadOfEnding) {
  const QueueLimits limits{.default_timeout = milliseconds(5), .delay_when_expired = true};
  const WaitBounds bounds = BoundsOfWait(limits, Duration{0}, At(1));
  EXPECT_EQ(bounds.demoted_at, At(6));
  EXPECT_EQ(bounds.expires, TimePoint::max());
}

TEST(QueueTimeout, AHugeTimeoutDoesNotWrapAround) {
  const QueueLimits limits{.default_timeout = Duration::max()};
  EXPECT_GT(BoundsOfWait(limits, Duration{0}, At(0)).expires, At(0));
}

}  // namespace
}  // namespace sarai::policy
