#include "engine/request_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::engine {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr TimePoint kStart{std::chrono::hours(1)};

Pending MakeOne(std::string id, TimePoint arrived, TimePoint expires = TimePoint::max()) {
  auto pending = std::make_unique<PendingRequest>();
  pending->request.id = std::move(id);
  pending->shape_key = 99;
  pending->arrived = arrived;
  pending->expires = expires;
  return pending;
}

std::vector<std::string> Ids(const std::vector<Pending>& requests) {
  std::vector<std::string> ids;
  for (const Pending& pending : requests) ids.push_back(pending->request.id);
  return ids;
}

policy::BatchLimits Batching(std::vector<int64_t> preferred, Duration delay) {
  return {.max_batch_size = 8,
          .batching = {
              .enabled = true, .preferred_sizes = std::move(preferred), .max_queue_delay = delay}};
}

bool Put(RequestQueue& queue, Pending pending) { return queue.Push(pending, kStart).ok(); }

TEST(RequestQueue, TakesOneAtATimeWithoutBatching) {
  RequestQueue queue({.max_batch_size = 8}, 10);
  EXPECT_TRUE(Put(queue, MakeOne("a", kStart)));
  EXPECT_TRUE(Put(queue, MakeOne("b", kStart)));
  EXPECT_THAT(Ids(queue.Take(kStart).batch), ElementsAre("a"));
  EXPECT_THAT(Ids(queue.Take(kStart).batch), ElementsAre("b"));
  EXPECT_TRUE(queue.empty());
}

TEST(RequestQueue, WaitsForAPreferredSizeAtMostTheDelay) {
  RequestQueue queue(Batching({2}, milliseconds(10)), 10);
  EXPECT_TRUE(Put(queue, MakeOne("a", kStart)));
  const auto first = queue.Take(kStart);
  EXPECT_THAT(first.batch, IsEmpty());
  EXPECT_EQ(first.wake_at, kStart + milliseconds(10));
  EXPECT_TRUE(Put(queue, MakeOne("b", kStart + milliseconds(1))));
  EXPECT_THAT(Ids(queue.Take(kStart + milliseconds(1)).batch), ElementsAre("a", "b"));

  EXPECT_TRUE(Put(queue, MakeOne("c", kStart + milliseconds(2))));
  EXPECT_THAT(queue.Take(kStart + milliseconds(11)).batch, IsEmpty());
  EXPECT_THAT(Ids(queue.Take(kStart + milliseconds(12)).batch), ElementsAre("c"));
}

TEST(RequestQueue, ShedsTheExpiredWhereverTheyStand) {
  RequestQueue queue(Batching({8}, milliseconds(0)), 10);
  EXPECT_TRUE(Put(queue, MakeOne("a", kStart)));
  EXPECT_TRUE(Put(queue, MakeOne("b", kStart, kStart + milliseconds(5))));
  EXPECT_TRUE(Put(queue, MakeOne("c", kStart)));
  auto taken = queue.Take(kStart + milliseconds(5));
  EXPECT_THAT(Ids(taken.expired), ElementsAre("b"));
  EXPECT_THAT(Ids(taken.batch), ElementsAre("a", "c"));
}

TEST(RequestQueue, OnlyShedsWhileNoRunCouldStart) {
  RequestQueue queue({}, 10);
  EXPECT_TRUE(Put(queue, MakeOne("a", kStart, kStart + milliseconds(5))));
  EXPECT_TRUE(Put(queue, MakeOne("b", kStart, kStart + milliseconds(9))));
  auto taken = queue.TakeExpired(kStart + milliseconds(5));
  EXPECT_THAT(Ids(taken.expired), ElementsAre("a"));
  EXPECT_THAT(taken.batch, IsEmpty());
  EXPECT_EQ(taken.wake_at, kStart + milliseconds(9));
}

TEST(RequestQueue, ServesDelayedRequestsLastAndStillKeepsTheCallersDeadline) {
  RequestQueue queue({}, 10);
  auto late = MakeOne("late", kStart, kStart + milliseconds(20));
  late->demoted_at = kStart + milliseconds(5);
  EXPECT_TRUE(Put(queue, std::move(late)));
  EXPECT_TRUE(Put(queue, MakeOne("a", kStart + milliseconds(1))));
  EXPECT_TRUE(Put(queue, MakeOne("b", kStart + milliseconds(2))));
  EXPECT_THAT(Ids(queue.Take(kStart + milliseconds(6)).batch), ElementsAre("a"));
  EXPECT_THAT(Ids(queue.Take(kStart + milliseconds(6)).batch), ElementsAre("b"));
  auto taken = queue.Take(kStart + milliseconds(20));
  EXPECT_THAT(Ids(taken.expired), ElementsAre("late"));
}

TEST(RequestQueue, RunsPutBackRequestsOneByOneAndFirst) {
  RequestQueue queue(Batching({8}, milliseconds(0)), 10);
  EXPECT_TRUE(Put(queue, MakeOne("a", kStart)));
  EXPECT_TRUE(Put(queue, MakeOne("b", kStart)));
  auto taken = queue.Take(kStart);
  ASSERT_EQ(taken.batch.size(), 2u);
  EXPECT_TRUE(Put(queue, MakeOne("c", kStart)));
  queue.PutBackAlone(std::move(taken.batch));
  EXPECT_THAT(Ids(queue.Take(kStart).batch), ElementsAre("a"));
  EXPECT_THAT(Ids(queue.Take(kStart).batch), ElementsAre("b"));
  EXPECT_THAT(Ids(queue.Take(kStart).batch), ElementsAre("c"));
}

Pending OfLevel(uint64_t level, std::string id, TimePoint arrived = kStart) {
  Pending pending = MakeOne(std::move(id), arrived);
  pending->level = level;
  return pending;
}

TEST(RequestQueue, ServesLevelsStrictlyAndArrivalsWithinThem) {
  policy::BatchLimits limits{.batching = {.priority_levels = 3}};
  RequestQueue queue(limits, 10);
  for (auto [level, id] : std::vector<std::pair<uint64_t, std::string>>{
           {2, "b1"}, {3, "c1"}, {1, "a1"}, {2, "b2"}, {1, "a2"}})
    EXPECT_TRUE(Put(queue, OfLevel(level, id)));
  std::vector<std::string> order;
  while (!queue.empty()) order.push_back(Ids(queue.Take(kStart).batch).front());
  EXPECT_THAT(order, ElementsAre("a1", "a2", "b1", "b2", "c1"));
}

TEST(RequestQueue, ABatchMayReachAcrossLevels) {
  policy::BatchLimits limits = Batching({4}, milliseconds(10));
  limits.batching.priority_levels = 2;
  RequestQueue queue(limits, 10);
  EXPECT_TRUE(Put(queue, OfLevel(2, "low")));
  EXPECT_TRUE(Put(queue, OfLevel(1, "high", kStart + milliseconds(4))));
  const auto early = queue.Take(kStart + milliseconds(5));
  EXPECT_THAT(early.batch, IsEmpty());
  EXPECT_EQ(early.wake_at, kStart + milliseconds(10));  // of the oldest
  EXPECT_THAT(Ids(queue.Take(kStart + milliseconds(10)).batch), ElementsAre("high", "low"));
}

TEST(RequestQueue, BoundsEachLevelByItsOwnLimit) {
  policy::BatchLimits limits{.batching = {.priority_levels = 2}};
  limits.batching.queue_by_level[2].max_queue_size = 1;
  RequestQueue queue(limits, 3);
  EXPECT_TRUE(Put(queue, OfLevel(2, "b1")));
  EXPECT_FALSE(Put(queue, OfLevel(2, "b2")));
  EXPECT_TRUE(Put(queue, OfLevel(1, "a1")));
  EXPECT_TRUE(Put(queue, OfLevel(1, "a2")));
  EXPECT_FALSE(Put(queue, OfLevel(1, "a3")));  // 3 wait
}

TEST(RequestQueue, DemotedRequestsStayBeforeLowerLevels) {
  policy::BatchLimits limits{.batching = {.priority_levels = 2}};
  RequestQueue queue(limits, 10);
  Pending late = OfLevel(1, "late");
  late->demoted_at = kStart + milliseconds(5);
  EXPECT_TRUE(Put(queue, OfLevel(2, "low")));
  EXPECT_TRUE(Put(queue, std::move(late)));
  EXPECT_TRUE(Put(queue, OfLevel(1, "high")));
  std::vector<std::string> order;
  while (!queue.empty()) order.push_back(Ids(queue.Take(kStart + milliseconds(5)).batch).front());
  EXPECT_THAT(order, ElementsAre("high", "late", "low"));
}

TEST(RequestQueue, HandsOutACancelledRequestFromTheMiddleAndRunsNone) {
  RequestQueue queue(Batching({8}, milliseconds(0)), 10);
  std::vector<const PendingRequest*> where;
  std::vector<CancellationPtr> cancellations;
  for (const char* id : {"a", "b", "c", "d"}) {
    Pending pending = MakeOne(id, kStart);
    pending->request.cancellation = cancellations.emplace_back(std::make_shared<Cancellation>());
    where.push_back(pending.get());
    EXPECT_TRUE(Put(queue, std::move(pending)));
  }
  EXPECT_THAT(queue.TakeCancelled(where[1], kStart), IsEmpty());  // it is not
  cancellations[1]->Cancel();
  EXPECT_THAT(Ids(queue.TakeCancelled(where[1], kStart)), ElementsAre("b"));
  EXPECT_THAT(queue.TakeCancelled(where[1], kStart), IsEmpty());
  cancellations[2]->Cancel();  // before anybody says so to the queue
  auto taken = queue.Take(kStart);
  EXPECT_THAT(Ids(taken.expired), ElementsAre("c"));
  EXPECT_THAT(Ids(taken.batch), ElementsAre("a", "d"));
  EXPECT_TRUE(queue.empty());
}

TEST(RequestQueue, KeepsTrackOfManyLevelsAndTimes) {
  constexpr uint64_t kLevels = 40;
  policy::BatchLimits limits{.batching = {.priority_levels = kLevels}};
  RequestQueue queue(limits, 1000);
  for (uint64_t i = 0; i < 400; ++i) {
    Pending pending = OfLevel(1 + i * 7 % kLevels, std::to_string(i));
    if (i % 2 == 0) pending->expires = kStart + milliseconds(i % 10 + 1);
    EXPECT_TRUE(Put(queue, std::move(pending)));
  }
  size_t expired = 0, taken = 0;
  for (int ms = 0; ms < 9; ++ms) {
    auto step = queue.Take(kStart + milliseconds(ms));
    expired += step.expired.size();
    taken += step.batch.size();
  }
  EXPECT_EQ(taken, 9u);
  EXPECT_EQ(expired + taken + queue.size(), 400u);
  const size_t left = queue.size();
  EXPECT_EQ(queue.TakeAll().size(), left);
  EXPECT_EQ(queue.TakeExpired(kStart + milliseconds(100)).wake_at, TimePoint::max());
}

TEST(RequestQueue, IsFullAtItsBound) {
  RequestQueue queue({}, 2);
  EXPECT_TRUE(Put(queue, MakeOne("a", kStart)));
  EXPECT_TRUE(Put(queue, MakeOne("b", kStart)));
  EXPECT_FALSE(Put(queue, MakeOne("c", kStart)));
  EXPECT_THAT(Ids(queue.TakeAll()), ElementsAre("a", "b"));
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace sarai::engine
