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
  policy::BatchLimits limits;
  limits.batching.queue.delay_when_expired = true;
  RequestQueue queue(limits, 10);
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
