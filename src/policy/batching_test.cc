#include "policy/batching.h"

#include <gmock/gmock.h>

namespace sarai::policy {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr TimePoint kStart{std::chrono::hours{1}};

TimePoint At(int ms) { return kStart + milliseconds(ms); }

QueuedRequest Request(int64_t batch, int arrived_ms, uint64_t shape = 0) {
  return {.batch = batch, .shape_key = shape, .arrived = At(arrived_ms)};
}

QueuedRequest Expiring(int64_t batch, int arrived_ms, int expires_ms) {
  QueuedRequest request = Request(batch, arrived_ms);
  request.expires = At(expires_ms);
  return request;
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
  EXPECT_THAT(decision.take, IsEmpty());
  EXPECT_THAT(decision.shed, IsEmpty());
  EXPECT_EQ(decision.wake_at, TimePoint::max());
}

TEST(Batching, WithoutBatchingEveryRequestRunsAlone) {
  const std::vector queue{Request(1, 0), Request(1, 1)};
  EXPECT_THAT(NextBatch(queue, {.max_batch_size = 8}, At(1)).take, ElementsAre(0));
  EXPECT_THAT(NextBatch(queue, Limits(0), At(1)).take, ElementsAre(0));
}

TEST(Batching, WithoutDelaySendsWhatIsThere) {
  const std::vector queue{Request(1, 0), Request(2, 0), Request(1, 0)};
  EXPECT_THAT(NextBatch(queue, Limits(8), At(0)).take, ElementsAre(0, 1, 2));
}

TEST(Batching, StopsBeforeTheRequestThatWouldExceedTheMaximum) {
  const std::vector queue{Request(3, 0), Request(4, 0), Request(2, 0), Request(1, 0)};
  EXPECT_THAT(NextBatch(queue, Limits(8), At(0)).take, ElementsAre(0, 1));
}

TEST(Batching, StopsBeforeAnotherShapeAndDoesNotWaitForMore) {
  const std::vector queue{Request(1, 0, 7), Request(1, 0, 7), Request(1, 0, 9), Request(1, 0, 7)};
  EXPECT_THAT(NextBatch(queue, Limits(8, {}, 100), At(0)).take, ElementsAre(0, 1));
}

TEST(Batching, WaitsUntilTheOldestHasWaitedTheDelay) {
  const std::vector queue{Request(1, 0), Request(1, 3)};
  const BatchDecision early = NextBatch(queue, Limits(8, {}, 10), At(4));
  EXPECT_THAT(early.take, IsEmpty());
  EXPECT_EQ(early.wake_at, At(10));
  EXPECT_THAT(NextBatch(queue, Limits(8, {}, 10), At(10)).take, ElementsAre(0, 1));
}

TEST(Batching, FullBatchDoesNotWait) {
  const std::vector queue{Request(4, 0), Request(4, 0), Request(1, 0)};
  EXPECT_THAT(NextBatch(queue, Limits(8, {}, 10), At(0)).take, ElementsAre(0, 1));
}

TEST(Batching, PreferredSizeIsSentAtOnceAndAFullerBatchIsCutBackToIt) {
  const std::vector queue{Request(1, 0), Request(1, 0), Request(1, 0), Request(1, 0),
                          Request(1, 0)};
  EXPECT_THAT(NextBatch(queue, Limits(8, {2, 4}, 10), At(1)).take, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(NextBatch(queue, Limits(8, {2, 4}, 0), At(1)).take, ElementsAre(0, 1, 2, 3));
}

TEST(Batching, AfterTheDelayAllGoesPreferredOrNot) {
  const std::vector queue{Request(1, 0), Request(1, 0), Request(1, 0)};
  EXPECT_THAT(NextBatch(queue, Limits(8, {2}, 10), At(10)).take, ElementsAre(0, 1, 2));
}

TEST(Batching, JumpingOverTheLargestPreferredSizeSendsWhatCameBefore) {
  const std::vector queue{Request(3, 0), Request(3, 0)};
  EXPECT_THAT(NextBatch(queue, Limits(8, {4}, 10), At(0)).take, ElementsAre(0));
}

TEST(Batching, OneRequestAboveTheLargestPreferredSizeDoesNotWait) {
  EXPECT_THAT(NextBatch(std::vector{Request(6, 0)}, Limits(8, {4}, 10), At(0)).take,
              ElementsAre(0));
}

TEST(Batching, PreferredSizesOutOfRangeAreIgnored) {
  const std::vector queue{Request(1, 0), Request(1, 0)};
  EXPECT_EQ(NextBatch(queue, Limits(4, {0, -3, 9}, 10), At(0)).wake_at, At(10));
}

TEST(Batching, OversizeRequestRunsAloneRatherThanBlockingTheQueue) {
  const std::vector queue{Request(20, 0), Request(1, 0)};
  EXPECT_THAT(NextBatch(queue, Limits(8), At(0)).take, ElementsAre(0));
}

TEST(Batching, ShedsExpiredRequestsAndTakesTheOthers) {
  const std::vector queue{Expiring(1, 0, 5), Request(1, 1), Expiring(1, 2, 6), Request(1, 3)};
  const BatchDecision decision = NextBatch(queue, Limits(8), At(6));
  EXPECT_THAT(decision.shed, ElementsAre(0, 2));
  EXPECT_THAT(decision.take, ElementsAre(1, 3));
}

TEST(Batching, ShedsAllWhenAllHaveExpired) {
  const BatchDecision decision = NextBatch(std::vector{Expiring(1, 0, 5)}, Limits(8), At(5));
  EXPECT_THAT(decision.shed, ElementsAre(0));
  EXPECT_THAT(decision.take, IsEmpty());
  EXPECT_EQ(decision.wake_at, TimePoint::max());
}

TEST(Batching, ExpiryIsShedAlsoWithoutBatching) {
  const std::vector queue{Expiring(1, 0, 5), Request(1, 1)};
  const BatchDecision decision = NextBatch(queue, {.max_batch_size = 0}, At(5));
  EXPECT_THAT(decision.shed, ElementsAre(0));
  EXPECT_THAT(decision.take, ElementsAre(1));
}

TEST(Batching, DelayedRequestsRunAfterAllThatAreInTime) {
  BatchLimits limits = Limits(2);
  limits.batching.queue.delay_when_expired = true;
  const std::vector queue{Expiring(1, 0, 5), Request(1, 1), Request(1, 2)};
  EXPECT_THAT(NextBatch(queue, limits, At(6)).take, ElementsAre(1, 2));
  const std::vector later{queue[0], queue[2]};
  const BatchDecision decision = NextBatch(later, limits, At(6));
  EXPECT_THAT(decision.take, ElementsAre(1, 0));
  EXPECT_THAT(decision.shed, IsEmpty());
}

TEST(Batching, WakesForTheNextExpiryWhileItWaits) {
  const std::vector queue{Request(1, 0), Expiring(1, 1, 7)};
  EXPECT_EQ(NextBatch(queue, Limits(8, {}, 10), At(2)).wake_at, At(7));
}

TEST(Batching, WakesForTheExpiryOfThoseThatAreLeft) {
  const std::vector queue{Expiring(2, 0, 90), Expiring(2, 1, 7)};
  const BatchDecision decision = NextBatch(queue, Limits(2), At(2));
  EXPECT_THAT(decision.take, ElementsAre(0));
  EXPECT_EQ(decision.wake_at, At(7));
}

}  // namespace
}  // namespace sarai::policy
