// Who goes when memory is short.
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

TEST(ResidencyEviction, LoadStartsOnlyWhenTheVictimsMemoryIsReallyFree) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("old", 10);
  instance.KnowOnDisk("new", 10);
  instance.Bring("old");
  const int request = instance.Request("new");
  EXPECT_TRUE(instance.Is("old", Kind::kUnload));
  EXPECT_FALSE(instance.Is("new", Kind::kLoad));
  instance.FinishUnload("old");
  EXPECT_TRUE(instance.Is("new", Kind::kLoad));
  instance.FinishLoad("new");
  EXPECT_TRUE(instance.Served(request));
}

TEST(ResidencyEviction, NothingIsUnloadedForAModelThatCanNeverFit) {
  FakeInstance instance(Exact(20));
  instance.KnowOnDisk("small", 10);
  instance.KnowOnDisk("giant", 30);
  instance.Bring("small");
  const int request = instance.Request("giant");
  EXPECT_THAT(instance.Failed(request), Optional(Code::kResourceExhausted));
  EXPECT_THAT(instance.Answer(request)->message(),
              testing::AllOf(HasSubstr("30.0 MiB"), HasSubstr("20.0 MiB")));
  EXPECT_THAT(instance.Ready(), ElementsAre("small"));
}

TEST(ResidencyEviction, ModelThatCanNeverFitNextToThePinnedOnesIsRefused) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("pinned", 20, /*pinned=*/true);
  instance.KnowOnDisk("big", 20);
  instance.Bring("pinned");
  EXPECT_THAT(instance.Failed(instance.Request("big")), Optional(Code::kResourceExhausted));
}

TEST(ResidencyEviction, NothingIsUnloadedWhenAllThatMayGoIsTooLittle) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("busy", 20);
  instance.KnowOnDisk("idle", 10);
  instance.KnowOnDisk("big", 25);
  instance.Bring("busy");
  instance.Bring("idle");
  instance.Request("busy");
  instance.Request("big");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), IsEmpty());
}

TEST(ResidencyEviction, EvictsTheSmallestSufficientSet) {
  FakeInstance instance(Exact(40));
  instance.KnowOnDisk("s", 5);
  instance.KnowOnDisk("m", 10);
  instance.KnowOnDisk("l", 20);
  instance.KnowOnDisk("new", 14);
  for (const char* id : {"s", "m", "l"}) instance.Bring(id);
  instance.Request("new");  // 5 MiB are free, 9 are missing
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("m"));
}

TEST(ResidencyEviction, SparesVictimsThatALargerOneMadeSuperfluous) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("worthless", 10);
  instance.KnowOnDisk("used", 20);
  instance.KnowOnDisk("new", 20);
  instance.Bring("worthless");
  instance.Bring("used");
  instance.Bring("used");
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("used"))
      << "evicting it is needed in any case, and enough";
}

TEST(ResidencyEviction, EvictsTheLeastUsedFirst) {
  FakeInstance instance(Exact(30));
  for (const char* id : {"a", "b", "c", "new"}) instance.KnowOnDisk(id, 10);
  for (const char* id : {"a", "b", "c", "a", "c", "c"}) instance.Bring(id);
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("b"));
  EXPECT_THAT(instance.LastReason(Kind::kUnload),
              testing::AllOf(HasSubstr("'new' needs 10.0 MiB"), HasSubstr("0 B free"),
                             HasSubstr("of 3 that may go")));
}

TEST(ResidencyEviction, AmongEquallyUsedTheLongestUnusedGoesFirst) {
  FakeInstance instance(Exact(30));
  for (const char* id : {"c", "a", "b", "new"}) instance.KnowOnDisk(id, 10);
  for (const char* id : {"b", "c", "a"}) {
    instance.Bring(id);
    instance.Advance(seconds(10));
  }
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("b"));
}

TEST(ResidencyEviction, OfEquallyUsedModelsTheOneThatReloadsFastestGoes) {
  FakeInstance instance(Exact(20));
  for (const char* id : {"slow", "fast", "new"}) instance.KnowOnDisk(id, 10);
  instance.models["slow"].load_time = seconds(5);
  instance.models["fast"].load_time = milliseconds(5);
  instance.Bring("slow");
  instance.Bring("fast");
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("fast"));
}

TEST(ResidencyEviction, ScanOverAllModelsDoesNotFlushTheHotOnes) {
  for (Duration guard : {Duration(0), Duration(seconds(2))}) {
    for (Duration pace : {milliseconds(1), milliseconds(500), milliseconds(5000)}) {
      ResidencyOptions options = Exact(100);
      options.churn_guard = guard;
      FakeInstance instance(options);
      for (int i = 0; i < 200; ++i) instance.KnowOnDisk(fmt::format("scanned-{}", i), 10);
      for (int hot = 0; hot < 5; ++hot) {
        instance.KnowOnDisk(fmt::format("hot-{}", hot), 10);
        for (int i = 0; i < 20; ++i) instance.Bring(fmt::format("hot-{}", hot));
      }
      for (int i = 0; i < 200; ++i) {
        instance.Bring(fmt::format("scanned-{}", i));
        instance.Advance(pace);
        if (i % 50 == 0) {
          for (int hot = 0; hot < 5; ++hot) instance.Bring(fmt::format("hot-{}", hot));
        }
      }
      for (int hot = 0; hot < 5; ++hot) {
        EXPECT_EQ(instance.models[fmt::format("hot-{}", hot)].loads, 1) << pace.count();
      }
    }
  }
}

TEST(ResidencyEviction, BurstThatWaitedForOneLoadIsNotMistakenForReuse) {
  FakeInstance instance(Exact(20));
  for (const char* id : {"burst", "returning", "new"}) instance.KnowOnDisk(id, 10);
  instance.Bring("returning");
  instance.Bring("returning");
  for (int i = 0; i < 16; ++i) instance.Request("burst");
  instance.Settle();
  instance.Idle("burst");
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("burst"));
}

TEST(ResidencyEviction, RegisteringThousandsOfModelsEvictsNobody) {
  FakeInstance instance(Exact(20, 30));
  instance.KnowOnDisk("hot", 10);
  instance.Bring("hot");
  for (int i = 0; i < 10000; ++i) instance.residency->Add(fmt::format("bulk-{}", i), {});
  instance.Tick();
  EXPECT_THAT(instance.Ready(), ElementsAre("hot"));
}

TEST(ResidencyEviction, PinnedModelIsNeverEvicted) {
  FakeInstance instance(Exact(20));
  instance.KnowOnDisk("pinned", 10, /*pinned=*/true);
  for (const char* id : {"a", "b"}) instance.KnowOnDisk(id, 10);
  instance.Bring("pinned");
  for (int i = 0; i < 10; ++i) instance.Bring("a");
  instance.Request("b");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("a"));
}

TEST(ResidencyEviction, JustLoadedModelIsSparedForOneWithoutProvenReuse) {
  ResidencyOptions options = Exact(20);
  options.churn_guard = seconds(2);
  FakeInstance instance(options);
  for (const char* id : {"seldom", "fresh", "new"}) instance.KnowOnDisk(id, 10);
  instance.models["fresh"].load_time = milliseconds(50);  // worth less, but for the guard
  instance.Bring("seldom");
  instance.Advance(seconds(10));
  instance.Bring("fresh");
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("seldom"));
}

TEST(ResidencyEviction, JustLoadedModelGoesWhenNothingElseMakesRoom) {
  ResidencyOptions options = Exact(10);
  options.churn_guard = seconds(2);
  FakeInstance instance(options);
  instance.KnowOnDisk("fresh", 10);
  instance.KnowOnDisk("new", 10);
  instance.Bring("fresh");
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("fresh"));
}

}  // namespace
}  // namespace sarai::policy
