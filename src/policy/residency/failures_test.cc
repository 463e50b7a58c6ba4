// Fetches and loads that fail, models that are lost.
#include "policy/residency/fake_instance.h"

namespace sarai::policy {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::Optional;
using Kind = ResidencyAction::Kind;

const Status kCorrupt(Code::kDataLoss, "model.onnx is truncated");
const Status kStoreDown(Code::kUnavailable, "connection refused");
const Status kDied(Code::kUnavailable, "the backend host died");

TEST(ResidencyFailures, FailedLoadFailsItsRequestsAndIsRememberedForAWhile) {
  FakeInstance instance(Exact());
  instance.KnowOnDisk("a", 10);
  const int request = instance.Request("a");
  instance.FinishLoad("a", kCorrupt);
  EXPECT_THAT(instance.Failed(request), Optional(Code::kDataLoss));
  EXPECT_THAT(instance.Failed(instance.Request("a")), Optional(Code::kDataLoss));
  instance.Advance(instance.options.failure_memo);
  EXPECT_FALSE(instance.Answer(instance.Request("a"))) << "tried again";
  EXPECT_EQ(instance.models["a"].loads, 2);
}

TEST(ResidencyFailures, ObjectStoreThatIsDownIsNotRememberedForLong) {
  FakeInstance instance(Exact());
  instance.Know("a");
  const int request = instance.Request("a");
  instance.FinishFetch("a", kStoreDown);
  EXPECT_THAT(instance.Failed(request), Optional(Code::kUnavailable));
  EXPECT_THAT(instance.Failed(instance.Request("a")), Optional(Code::kUnavailable));
  instance.Advance(seconds(1));
  instance.Request("a");
  EXPECT_TRUE(instance.Is("a", Kind::kFetch));
}

TEST(ResidencyFailures, FailureOfOneModelDisturbsNoOther) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("bad", 10);
  instance.KnowOnDisk("good", 10);
  instance.Request("bad");
  const int good = instance.Request("good");
  instance.FinishLoad("bad", kCorrupt);
  instance.FinishLoad("good");
  EXPECT_TRUE(instance.Served(good));
  EXPECT_EQ(instance.residency->totals().memory_used_bytes, 10 * kMiB);
}

TEST(ResidencyFailures, LostModelIsLoadedAgainOnDemand) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("a", 10);
  instance.Bring("a");
  instance.Lose("a");
  EXPECT_EQ(instance.residency->totals().memory_used_bytes, 0u);
  instance.Bring("a");
  EXPECT_EQ(instance.models["a"].loads, 2);
}

TEST(ResidencyFailures, OnlyModelsInUseAreBlamedForTheDeathOfTheirProcess) {
  ResidencyOptions options = Exact();
  options.losses_tolerated = 0;
  FakeInstance instance(options);
  instance.KnowOnDisk("idle", 10);
  instance.KnowOnDisk("killer", 10);
  instance.Bring("idle");
  instance.Advance(seconds(10));
  instance.Bring("killer");
  instance.Request("killer");
  instance.Lose("idle");
  instance.Lose("killer");
  EXPECT_THAT(instance.Failed(instance.Request("killer")), Optional(Code::kUnavailable));
  EXPECT_FALSE(instance.Answer(instance.Request("idle"))) << "it is being loaded";
}

TEST(ResidencyFailures, DeathsOfOthersAreNotHeldAgainstAModelLater) {
  ResidencyOptions options = Exact();
  options.losses_tolerated = 1;
  FakeInstance instance(options);
  instance.KnowOnDisk("a", 10);
  for (int i = 0; i < 3; ++i) {
    instance.Bring("a");
    instance.Advance(seconds(5));
    instance.Lose("a");
  }
  instance.Bring("a");
  instance.Request("a");
  instance.Lose("a");
  instance.Bring("a");
  EXPECT_THAT(instance.Ready(), ElementsAre("a"));
}

TEST(ResidencyFailures, LoadWhoseProcessDiedIsTriedAgainForThoseWhoWait) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("a", 10);
  const int request = instance.Request("a");
  instance.FinishLoad("a", kDied);
  EXPECT_FALSE(instance.Answer(request));
  instance.FinishLoad("a");
  EXPECT_TRUE(instance.Served(request));
}

TEST(ResidencyFailures, LoadReportedAfterTheDeathOfItsProcessIsNoLoad) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("a", 10);
  const int request = instance.Request("a");
  instance.Take(instance.residency->OnLost("a", instance.now));
  instance.models["a"].under_way.clear();
  instance.Take(instance.residency->OnLoaded("a", Residency::Loaded{10 * kMiB}, instance.now));
  EXPECT_EQ(instance.residency->state("a"), ModelState::kLoading);
  instance.FinishLoad("a");
  EXPECT_TRUE(instance.Served(request));
}

TEST(ResidencyFailures, ModelThatKillsItsProcessEachTimeIsLeftAloneLongerAndLonger) {
  ResidencyOptions options = Exact();
  options.losses_tolerated = 2;
  FakeInstance instance(options);
  instance.KnowOnDisk("a", 10);
  const int request = instance.Request("a");
  instance.FinishLoad("a", kDied);
  instance.FinishLoad("a", kDied);
  instance.FinishLoad("a", kDied);
  EXPECT_THAT(instance.Failed(request), Optional(Code::kUnavailable));
  EXPECT_EQ(instance.models["a"].loads, 3);
  instance.Advance(options.failure_memo);
  instance.Request("a");
  instance.FinishLoad("a", kDied);
  instance.Advance(options.failure_memo);
  EXPECT_TRUE(instance.Answer(instance.Request("a"))) << "remembered twice as long";
  instance.Advance(options.failure_memo);
  EXPECT_FALSE(instance.Answer(instance.Request("a")));
}

}  // namespace
}  // namespace sarai::policy
