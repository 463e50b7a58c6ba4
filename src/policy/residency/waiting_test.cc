// Queues and waits.
#include "policy/residency/fake_instance.h"

namespace sarai::policy {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;
using Kind = ResidencyAction::Kind;

TEST(ResidencyWaiting, FullQueueOfAModelRefusesOnlyTheNewestRequest) {
  ResidencyOptions options = Exact();
  options.max_waiting_per_model = 2;
  FakeInstance instance(options);
  instance.Know("a");
  instance.Know("b");
  const int first = instance.Request("a");
  instance.Request("a");
  EXPECT_THAT(instance.Failed(instance.Request("a")), Optional(Code::kUnavailable));
  EXPECT_FALSE(instance.Answer(instance.Request("b"))) << "others have their own bound";
  instance.Settle();
  EXPECT_TRUE(instance.Served(first));
}

TEST(ResidencyWaiting, AllWaitingRequestsTogetherAreBounded) {
  ResidencyOptions options = Exact();
  options.max_waiting_total = 2;
  FakeInstance instance(options);
  for (const char* id : {"a", "b", "c"}) instance.Know(id);
  instance.Request("a");
  instance.Request("b");
  EXPECT_THAT(instance.Failed(instance.Request("c")), Optional(Code::kUnavailable));
}

TEST(ResidencyWaiting, WaitEndsForEachRequestByItsOwnArrivalWhileTheLoadGoesOn) {
  FakeInstance instance(Exact());
  instance.KnowOnDisk("a", 10);
  const int early = instance.Request("a");
  instance.Advance(seconds(30));
  const int late = instance.Request("a");
  instance.Advance(seconds(25));
  EXPECT_THAT(instance.Failed(early), Optional(Code::kDeadlineExceeded));
  EXPECT_THAT(instance.Answer(early)->message(), HasSubstr("is being loaded for 55.0 s"));
  EXPECT_FALSE(instance.Answer(late));
  instance.FinishLoad("a");
  EXPECT_TRUE(instance.Served(late));
  EXPECT_EQ(instance.models["a"].loads, 1);
}

TEST(ResidencyWaiting, LoadGoesOnAfterTheLastRequestGaveUp) {
  FakeInstance instance(Exact());
  instance.Know("a");
  instance.Request("a");
  instance.Advance(seconds(60));
  instance.FinishFetch("a");
  instance.Settle();
  EXPECT_THAT(instance.Ready(), ElementsAre("a"));
}

TEST(ResidencyWaiting, FetchedModelWhoseRequestsGaveUpIsStillLoadedWhenRoomCanBeMadeSoon) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("busy", 10);
  instance.Know("a", {.measured_memory = 10 * kMiB});
  instance.Request("busy");
  instance.FinishLoad("busy");
  instance.Request("a");
  instance.Advance(seconds(60));
  instance.FinishFetch("a");
  instance.Advance(seconds(30));
  instance.Idle("busy");
  instance.Advance(instance.options.room_retry);
  instance.Settle();
  EXPECT_THAT(instance.Ready(), ElementsAre("a"));
}

TEST(ResidencyWaiting, WantedModelThatFindsNoRoomIsGivenUpAndSaysSo) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("busy", 10);
  instance.KnowOnDisk("wanted", 10);
  instance.Request("busy");
  instance.FinishLoad("busy");
  instance.Want("wanted");
  instance.Advance(instance.options.wait_budget);
  EXPECT_EQ(instance.history.back().kind, Kind::kFail);
  EXPECT_EQ(instance.history.back().count, 0u);
  EXPECT_EQ(instance.history.back().status.code(), Code::kDeadlineExceeded);
  EXPECT_EQ(instance.residency->WakeAt(), std::nullopt);
}

TEST(ResidencyWaiting, SleepsUntilTheOldestWaitEnds) {
  FakeInstance instance(Exact());
  EXPECT_EQ(instance.residency->WakeAt(), std::nullopt);
  instance.Know("a");
  const TimePoint asked = instance.now;
  instance.Request("a");
  EXPECT_EQ(instance.residency->WakeAt(), asked + instance.options.wait_budget);
  instance.Settle();
  EXPECT_EQ(instance.residency->WakeAt(), std::nullopt);
}

}  // namespace
}  // namespace sarai::policy
