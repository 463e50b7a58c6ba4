#include "control/fleet_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::control {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = FleetAction::Kind;

constexpr TimePoint kNow{seconds{1000}};

ActualInstance Instance(std::string id, InstancePhase phase, bool ready = false) {
  return {std::move(id), phase, ready, kNow + seconds{60}, kNow + seconds{5}};
}

TEST(PlanFleet, StartsWhatIsMissing) {
  const auto plan = PlanFleet({"a", "b"}, {}, kNow);
  EXPECT_THAT(plan.actions,
              ElementsAre(FleetAction{Kind::kStart, "a"}, FleetAction{Kind::kStart, "b"}));
}

TEST(PlanFleet, StopsWhatIsNotDesiredAndForgetsItOnceItHasEnded) {
  std::vector<ActualInstance> actual = {Instance("a", InstancePhase::kRunning, true),
                                        Instance("b", InstancePhase::kStarting)};
  EXPECT_THAT(PlanFleet({}, actual, kNow).actions,
              ElementsAre(FleetAction{Kind::kStop, "a"}, FleetAction{Kind::kStop, "b"}));
  for (auto& instance : actual) instance.phase = InstancePhase::kStopping;
  EXPECT_THAT(PlanFleet({}, actual, kNow).actions, IsEmpty());
  for (auto& instance : actual) instance.phase = InstancePhase::kEnded;
  EXPECT_THAT(PlanFleet({}, actual, kNow).actions,
              ElementsAre(FleetAction{Kind::kForget, "a"}, FleetAction{Kind::kForget, "b"}));
}

TEST(PlanFleet, RestartsTheDeadWhenTheirBackOffIsOver) {
  const std::vector<ActualInstance> actual = {Instance("a", InstancePhase::kEnded)};
  const auto early = PlanFleet({"a"}, actual, kNow);
  EXPECT_THAT(early.actions, IsEmpty());
  ASSERT_TRUE(early.wake_at);
  EXPECT_EQ(*early.wake_at, kNow + seconds{5});
  EXPECT_THAT(PlanFleet({"a"}, actual, kNow + seconds{5}).actions,
              ElementsAre(FleetAction{Kind::kStart, "a"}));
}

TEST(PlanFleet, KillsWhatHasBeenDumbForTooLong) {
  const std::vector<ActualInstance> actual = {Instance("a", InstancePhase::kRunning),
                                              Instance("b", InstancePhase::kStarting),
                                              Instance("c", InstancePhase::kRunning, true)};
  const auto early = PlanFleet({"a", "b", "c"}, actual, kNow);
  EXPECT_THAT(early.actions, IsEmpty());
  EXPECT_EQ(early.wake_at.value(), kNow + seconds{60});
  EXPECT_THAT(PlanFleet({"a", "b", "c"}, actual, kNow + seconds{60}).actions,
              ElementsAre(FleetAction{Kind::kKill, "a"}, FleetAction{Kind::kKill, "b"}));
}

TEST(PlanFleet, WakesForTheEarliestOfSeveral) {
  std::vector<ActualInstance> actual = {Instance("a", InstancePhase::kEnded),
                                        Instance("b", InstancePhase::kEnded)};
  actual[1].restart_at = kNow + seconds{2};
  EXPECT_EQ(PlanFleet({"a", "b"}, actual, kNow).wake_at.value(), kNow + seconds{2});
}

TEST(PlanFleet, AsksForNothingWhenAllIsWell) {
  const std::vector<ActualInstance> actual = {Instance("a", InstancePhase::kRunning, true)};
  const auto plan = PlanFleet({"a"}, actual, kNow);
  EXPECT_THAT(plan.actions, IsEmpty());
  EXPECT_FALSE(plan.wake_at);
}

}  // namespace
}  // namespace sarai::control
