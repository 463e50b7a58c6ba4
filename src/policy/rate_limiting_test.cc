#include "policy/rate_limiting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

InstanceGroup Group(std::vector<InstanceGroup::Resource> resources, uint32_t priority = 1,
                    int count = 1) {
  return {
      .name = "g", .count = count, .rate_priority = priority, .resources = std::move(resources)};
}

InstanceGroup::Resource R(uint32_t count, bool global = false) { return {"R", global, count}; }

TEST(RateLimiter, ARunWaitsUntilItsResourcesAreFree) {
  RateLimiter limiter({{"R", {{-1, 10}}}});
  for (const RateLimiter::Id id : {1, 2, 3}) ASSERT_TRUE(limiter.Add(id, {Group({R(5)})}).ok());
  EXPECT_EQ(limiter.TryStart(1), 0u);
  EXPECT_EQ(limiter.TryStart(2), 0u);
  EXPECT_EQ(limiter.TryStart(3), std::nullopt);
  EXPECT_THAT(limiter.OnEnd(1, 0, {}), ElementsAre(3));
  EXPECT_EQ(limiter.TryStart(3), 0u);
  EXPECT_THAT(limiter.OnEnd(2, 0, {}), IsEmpty());
}

TEST(RateLimiter, AResourceThatIsNotNamedHasWhatTheGreediestAsks) {
  RateLimiter limiter({});
  ASSERT_TRUE(limiter.Add(1, {Group({R(4)})}).ok());
  ASSERT_TRUE(limiter.Add(2, {Group({R(2)})}).ok());
  ASSERT_TRUE(limiter.Add(3, {Group({R(2)})}).ok());
  EXPECT_TRUE(limiter.TryStart(2).has_value());
  EXPECT_TRUE(limiter.TryStart(3).has_value());
  EXPECT_FALSE(limiter.TryStart(1).has_value());
  EXPECT_THAT(limiter.OnEnd(2, 0, {}), IsEmpty());  // half is not enough
  EXPECT_THAT(limiter.OnEnd(3, 0, {}), ElementsAre(1));
}

TEST(RateLimiter, RefusesWhatCouldNeverRun) {
  RateLimiter limiter({{"R", {{0, 3}}}});
  const Status status = limiter.Add(1, {Group({R(4)})});
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("needs 4 of resource 'R', but there are only 3"));
}

TEST(RateLimiter, DevicesHaveTheirOwnAndShareTheGlobal) {
  struct Row {
    bool global, second_may;
  };
  for (const Row& row : {Row{false, true}, Row{true, false}}) {
    RateLimiter limiter({{"R", {{-1, 1}}}});
    InstanceGroup first = Group({R(1, row.global)}), second = first;
    first.gpus = {0};
    second.gpus = {1};
    ASSERT_TRUE(limiter.Add(1, {first}).ok());
    ASSERT_TRUE(limiter.Add(2, {second}).ok());
    EXPECT_TRUE(limiter.TryStart(1).has_value());
    EXPECT_EQ(limiter.TryStart(2).has_value(), row.second_may);
  }
}

TEST(RateLimiter, WhoRanLeastByItsPriorityGoesFirst) {
  RateLimiter limiter({{"R", {{-1, 1}}}});
  ASSERT_TRUE(limiter.Add(1, {Group({R(1)}, 1)}).ok());
  ASSERT_TRUE(limiter.Add(2, {Group({R(1)}, 3)}).ok());  // a third as often
  std::map<RateLimiter::Id, int> runs;
  RateLimiter::Id running = 1;
  ASSERT_TRUE(limiter.TryStart(1).has_value());
  ASSERT_FALSE(limiter.TryStart(2).has_value());
  for (int i = 0; i < 40; ++i) {
    ++runs[running];
    const auto called = limiter.OnEnd(running, 0, {.again = true});  // both always want to
    ASSERT_THAT(called, SizeIs(1));
    running = called.front();
    ASSERT_TRUE(limiter.TryStart(running).has_value());
  }
  EXPECT_EQ(runs[1], 30);
  EXPECT_EQ(runs[2], 10);
}

class RateLimiterCalls : public testing::Test {
 protected:
  // 2 and 3 wait for what 1 holds; 3 has run less by its priority.
  void SetUp() override {
    for (const RateLimiter::Id id : {1, 2, 3}) ASSERT_TRUE(limiter.Add(id, {Group({R(1)})}).ok());
    ASSERT_TRUE(limiter.TryStart(2).has_value());
    limiter.OnEnd(2, 0, {});
    ASSERT_TRUE(limiter.TryStart(1).has_value());
    ASSERT_FALSE(limiter.TryStart(2).has_value());
    ASSERT_FALSE(limiter.TryStart(3).has_value());
  }
  RateLimiter limiter{{{"R", {{-1, 1}}}}};
};

TEST_F(RateLimiterCalls, OnlyAsManyAreCalledAsThereIsRoomFor) {
  EXPECT_THAT(limiter.OnEnd(1, 0, {}), ElementsAre(3));
  EXPECT_TRUE(limiter.TryStart(3).has_value());
  EXPECT_THAT(limiter.OnEnd(3, 0, {}), ElementsAre(2));
}

TEST_F(RateLimiterCalls, NobodyWhoRanMoreTakesTheRoomOfOneThatWasCalled) {
  EXPECT_THAT(limiter.OnEnd(1, 0, {}), ElementsAre(3));
  EXPECT_FALSE(limiter.TryStart(1).has_value());
  EXPECT_FALSE(limiter.TryStart(2).has_value());
  EXPECT_TRUE(limiter.TryStart(3).has_value());
}

TEST_F(RateLimiterCalls, OneThatNeedsItNoMoreCallsTheNext) {
  EXPECT_THAT(limiter.OnEnd(1, 0, {}), ElementsAre(3));
  EXPECT_TRUE(limiter.TryStart(3).has_value());
  EXPECT_THAT(limiter.OnEnd(3, 0, {.ran = false}), ElementsAre(2));
}

TEST_F(RateLimiterCalls, OneThatIsRemovedCallsTheNext) {
  EXPECT_THAT(limiter.OnEnd(1, 0, {}), ElementsAre(3));
  EXPECT_THAT(limiter.Remove(3), ElementsAre(2));
  EXPECT_EQ(limiter.TryStart(3), std::nullopt);
  EXPECT_TRUE(limiter.TryStart(2).has_value());
}

TEST(RateLimiter, ALargeOneDoesNotBlockSmallOnesButIsNotStarved) {
  RateLimiter limiter({{"R", {{-1, 2}}}});
  ASSERT_TRUE(limiter.Add(1, {Group({R(2)})}).ok());
  ASSERT_TRUE(limiter.Add(2, {Group({R(1)})}).ok());
  ASSERT_TRUE(limiter.Add(3, {Group({R(1)})}).ok());
  ASSERT_TRUE(limiter.TryStart(2).has_value());
  ASSERT_FALSE(limiter.TryStart(1).has_value());
  EXPECT_TRUE(limiter.TryStart(3).has_value());  // passes the large one
  int passed = 1;
  for (; passed < 1000; ++passed) {  // one of the two is always under way
    limiter.OnEnd(2, 0, {});
    if (!limiter.TryStart(2).has_value()) break;
    limiter.OnEnd(3, 0, {});
    if (!limiter.TryStart(3).has_value()) break;
  }
  EXPECT_LT(passed, RateLimiter::kPassedOverMax + 1);
  const auto due = limiter.OnEnd(3, 0, {});
  ASSERT_THAT(due, ElementsAre(1));
  EXPECT_TRUE(limiter.TryStart(1).has_value());
  EXPECT_THAT(limiter.OnEnd(1, 0, {}), testing::Not(IsEmpty()));  // the small ones go on
}

TEST(RateLimiter, AGroupRunsNoMoreThanItsCountAndPassiveOnesNever) {
  RateLimiter limiter({});
  InstanceGroup passive = Group({});
  passive.passive = true;
  ASSERT_TRUE(limiter.Add(1, {passive, Group({}, 1, 2)}).ok());
  EXPECT_EQ(limiter.TryStart(1), 1u);
  EXPECT_EQ(limiter.TryStart(1), 1u);
  EXPECT_EQ(limiter.TryStart(1), std::nullopt);
}

TEST(RateLimiter, ARemovedModelGivesBackWhatItsRunsHold) {
  RateLimiter limiter({{"R", {{-1, 1}}}});
  ASSERT_TRUE(limiter.Add(1, {Group({R(1)})}).ok());
  ASSERT_TRUE(limiter.Add(2, {Group({R(1)})}).ok());
  ASSERT_TRUE(limiter.TryStart(1).has_value());
  ASSERT_FALSE(limiter.TryStart(2).has_value());
  limiter.Remove(1);
  EXPECT_THAT(limiter.OnEnd(1, 0, {}), ElementsAre(2));
  limiter.Remove(2);
  EXPECT_EQ(limiter.TryStart(2), std::nullopt);
}

}  // namespace
}  // namespace sarai::policy
