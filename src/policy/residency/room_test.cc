// Whose turn it is when memory is short.
#include "policy/residency/fake_instance.h"

namespace sarai::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using Kind = ResidencyAction::Kind;

TEST(ResidencyRoom, ModelInUseIsNotEvictedAndTheLoadStartsWhenItHasBecomeIdle) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("busy", 10);
  instance.KnowOnDisk("next", 10);
  instance.Request("busy");
  instance.FinishLoad("busy");
  const int request = instance.Request("next");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), IsEmpty());
  ASSERT_TRUE(instance.residency->WakeAt());
  EXPECT_LE(*instance.residency->WakeAt(), instance.now + instance.options.room_retry);
  instance.Advance(seconds(1));
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), IsEmpty());
  instance.Idle("busy");
  instance.Advance(instance.options.room_retry);
  EXPECT_TRUE(instance.Is("busy", Kind::kUnload));
  instance.Settle();
  EXPECT_TRUE(instance.Served(request));
}

TEST(ResidencyRoom, WaitForRoomThatNeverComesEndsWithItsNumbers) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("busy", 10);
  instance.KnowOnDisk("next", 6);
  instance.Request("busy");
  instance.FinishLoad("busy");
  const int request = instance.Request("next");
  instance.Advance(instance.options.wait_budget);
  EXPECT_THAT(instance.Failed(request), Optional(Code::kDeadlineExceeded));
  EXPECT_THAT(instance.Answer(request)->message(),
              testing::AllOf(HasSubstr("needs 6.0 MiB"), HasSubstr("0 B of 10.0 MiB free")));
  instance.Idle("busy");
  instance.Tick();
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), IsEmpty()) << "nobody waits for it any more";
  EXPECT_EQ(instance.residency->WakeAt(), std::nullopt);
}

TEST(ResidencyRoom, AdmittedRequestsProtectTheirModelBeforeTheEngineHasSeenThem) {
  ResidencyOptions options = Exact(10);
  Residency residency(options);
  const TimePoint now{std::chrono::hours{1}};
  residency.Add("a", {.on_disk = true, .disk_bytes = 10 * kMiB});
  residency.Add("b", {.on_disk = true, .disk_bytes = 10 * kMiB});
  ResidencyActions actions;
  residency.OnRequest("a", now, actions);
  residency.OnLoaded("a", Residency::Loaded{10 * kMiB}, now);
  actions.clear();
  residency.OnRequest("b", now, actions);
  EXPECT_THAT(actions, IsEmpty());
}

TEST(ResidencyRoom, VictimThatIsAskedForAgainWhileItGoesComesBackAfterTheOneItWentFor) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("victim", 10);
  instance.KnowOnDisk("new", 10);
  instance.Bring("victim");
  const int first = instance.Request("new");
  const int revived = instance.Request("victim");
  EXPECT_TRUE(instance.Is("victim", Kind::kUnload));
  instance.FinishUnload("victim");
  EXPECT_TRUE(instance.Is("new", Kind::kLoad));
  instance.FinishLoad("new");
  EXPECT_TRUE(instance.Served(first));
  EXPECT_FALSE(instance.Answer(revived));
  instance.Idle("new");
  instance.Advance(instance.options.room_retry);
  instance.Settle();
  EXPECT_TRUE(instance.Served(revived));
}

TEST(ResidencyRoom, SmallModelPassesOneThatHasNoRoomIntoFreeMemory) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("busy", 20);
  instance.KnowOnDisk("big", 20);
  instance.KnowOnDisk("small", 5);
  instance.Request("busy");
  instance.FinishLoad("busy");
  instance.Request("big");
  const int small = instance.Request("small");
  instance.FinishLoad("small");
  EXPECT_TRUE(instance.Served(small));
}

TEST(ResidencyRoom, NobodyPassesIntoMemoryThatWasPromised) {
  FakeInstance instance(Exact(30));
  for (const char* id : {"idle", "other"}) instance.KnowOnDisk(id, 10);
  instance.KnowOnDisk("big", 20);
  instance.KnowOnDisk("small", 10);
  instance.Bring("idle");
  instance.Request("other");
  instance.FinishLoad("other");
  const int big = instance.Request("big");  // 10 free, 10 on their way out: all promised
  EXPECT_TRUE(instance.Is("idle", Kind::kUnload));
  instance.Request("small");
  EXPECT_THAT(instance.UnderWay(Kind::kLoad), IsEmpty());
  instance.FinishUnload("idle");
  EXPECT_THAT(instance.UnderWay(Kind::kLoad), ElementsAre("big"));
  instance.FinishLoad("big");
  EXPECT_TRUE(instance.Served(big));
}

TEST(ResidencyRoom, NobodyBehindOneWithoutRoomEvictsUntilItHasHadItsChance) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("busy", 20);
  instance.KnowOnDisk("idle", 10);
  instance.KnowOnDisk("big", 25);
  instance.KnowOnDisk("small", 10);
  instance.Bring("busy");
  instance.Bring("idle");
  instance.Request("busy");
  instance.Request("big");
  instance.Request("small");
  instance.Advance(instance.options.room_patience - milliseconds(100));
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), IsEmpty());
  instance.Advance(milliseconds(200));
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("idle"));
}

TEST(ResidencyRoom, BigModelAtTheHeadIsServedBeforeTheManySmallOnesBehindIt) {
  FakeInstance instance(Exact(40));
  for (int i = 0; i < 4; ++i) instance.KnowOnDisk(fmt::format("old-{}", i), 10);
  for (int i = 0; i < 20; ++i) instance.KnowOnDisk(fmt::format("small-{}", i), 10);
  instance.KnowOnDisk("big", 40);
  for (int i = 0; i < 4; ++i) {
    instance.Request(fmt::format("old-{}", i));
    instance.Settle();
  }
  const int big = instance.Request("big");
  for (int i = 0; i < 20; ++i) instance.Request(fmt::format("small-{}", i));
  for (int i = 0; i < 4; ++i) {
    EXPECT_THAT(instance.UnderWay(Kind::kLoad), IsEmpty());
    instance.Idle(fmt::format("old-{}", i));
    instance.Advance(instance.options.room_retry);
  }
  for (int i = 0; i < 4; ++i) instance.FinishUnload(fmt::format("old-{}", i));
  EXPECT_THAT(instance.UnderWay(Kind::kLoad), ElementsAre("big"));
  instance.FinishLoad("big");
  EXPECT_TRUE(instance.Served(big));
}

}  // namespace
}  // namespace sarai::policy
