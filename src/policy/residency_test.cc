#include "policy/residency.h"

#include "policy/residency/fake_instance.h"

namespace sarai::policy {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::UnorderedElementsAre;
using Kind = ResidencyAction::Kind;

// Sizes in tests are known and nothing is added to them, so that they can be read off.
ResidencyOptions Exact(uint64_t memory_mib = 0, uint64_t disk_mib = 0) {
  return {.memory_budget_bytes = memory_mib * kMiB,
          .disk_budget_bytes = disk_mib * kMiB,
          .churn_guard = seconds(0),
          .size_factor = 1,
          .load_peak_factor = 0,
          .unpack_factor = 1};
}

const Status kCorrupt(Code::kDataLoss, "model.onnx is truncated");
const Status kStoreDown(Code::kUnavailable, "connection refused");
const Status kDied(Code::kUnavailable, "the backend host died");

// --- a model's way into memory
// --------------------------------------------------------------------

TEST(Residency, FetchesLoadsAndAnswersTheRequestThatAskedFirst) {
  FakeInstance instance(Exact());
  instance.Know("a");
  const int request = instance.Request("a");
  EXPECT_TRUE(instance.Is("a", Kind::kFetch));
  instance.FinishFetch("a");
  EXPECT_TRUE(instance.Is("a", Kind::kLoad));
  EXPECT_FALSE(instance.Answer(request));
  instance.FinishLoad("a");
  EXPECT_TRUE(instance.Served(request));
  EXPECT_TRUE(instance.Served(instance.Request("a"))) << "at once";
}

TEST(Residency, ModelOnDiskIsNotFetched) {
  FakeInstance instance(Exact());
  instance.KnowOnDisk("a", 10);
  instance.Request("a");
  EXPECT_TRUE(instance.Is("a", Kind::kLoad));
}

TEST(Residency, ManyFirstRequestsMakeOneFetchOneLoadAndAllAreAnswered) {
  FakeInstance instance(Exact());
  instance.Know("a");
  std::vector<int> requests;
  for (int i = 0; i < 16; ++i) requests.push_back(instance.Request("a"));
  instance.FinishFetch("a");
  for (int i = 0; i < 16; ++i) requests.push_back(instance.Request("a"));
  instance.FinishLoad("a");
  for (int request : requests) EXPECT_TRUE(instance.Served(request));
  EXPECT_EQ(instance.models["a"].fetches, 1);
  EXPECT_EQ(instance.models["a"].loads, 1);
}

TEST(Residency, UnknownModelIsRefused) {
  FakeInstance instance(Exact());
  EXPECT_THAT(instance.Failed(instance.Request("nobody")), Optional(Code::kNotFound));
}

TEST(Residency, WantedModelIsLoadedThoughNobodyWaits) {
  FakeInstance instance(Exact());
  instance.Know("a");
  instance.Want("a");
  instance.Settle();
  EXPECT_THAT(instance.Ready(), ElementsAre("a"));
  EXPECT_EQ(instance.history.back().kind, Kind::kAdmit);
  EXPECT_EQ(instance.history.back().count, 0u);
}

TEST(Residency, FetchesAndLoadsAreBoundedInNumberAndStartInTheOrderOfTheFirstWait) {
  ResidencyOptions options = Exact();
  options.max_concurrent_fetches = 2;
  options.max_concurrent_loads = 1;
  FakeInstance instance(options);
  for (const char* id : {"c", "b", "a"}) instance.Know(id);
  for (const char* id : {"c", "b", "a"}) instance.Request(id);
  EXPECT_THAT(instance.UnderWay(Kind::kFetch), UnorderedElementsAre("c", "b"));
  instance.FinishFetch("b");
  EXPECT_THAT(instance.UnderWay(Kind::kFetch), UnorderedElementsAre("c", "a"));
  instance.FinishFetch("a");
  instance.FinishFetch("c");
  EXPECT_THAT(instance.UnderWay(Kind::kLoad), ElementsAre("b"));
  instance.FinishLoad("b");
  EXPECT_THAT(instance.UnderWay(Kind::kLoad), ElementsAre("c")) << "it waited longer than a";
}

TEST(Residency, ModelsThatSomebodyWaitsForComeBeforeWantedOnes) {
  ResidencyOptions options = Exact();
  options.max_concurrent_loads = 1;
  FakeInstance instance(options);
  for (const char* id : {"running", "wanted", "asked"}) instance.KnowOnDisk(id, 1);
  instance.Request("running");
  instance.Want("wanted");
  instance.Request("asked");
  instance.FinishLoad("running");
  EXPECT_THAT(instance.UnderWay(Kind::kLoad), ElementsAre("asked"));
}

// --- queues and waits
// -----------------------------------------------------------------------------

TEST(Residency, FullQueueOfAModelRefusesOnlyTheNewestRequest) {
  ResidencyOptions options = Exact();
  options.max_waiting_per_model = 2;
  FakeInstance instance(options);
  instance.Know("a");
  instance.Know("b");
  const int first = instance.Request("a");
  instance.Request("a");
  EXPECT_THAT(instance.Failed(instance.Request("a")), Optional(Code::kResourceExhausted));
  EXPECT_FALSE(instance.Answer(instance.Request("b"))) << "others have their own bound";
  instance.Settle();
  EXPECT_TRUE(instance.Served(first));
}

TEST(Residency, AllWaitingRequestsTogetherAreBounded) {
  ResidencyOptions options = Exact();
  options.max_waiting_total = 2;
  FakeInstance instance(options);
  for (const char* id : {"a", "b", "c"}) instance.Know(id);
  instance.Request("a");
  instance.Request("b");
  EXPECT_THAT(instance.Failed(instance.Request("c")), Optional(Code::kResourceExhausted));
}

TEST(Residency, WaitEndsForEachRequestByItsOwnArrivalWhileTheLoadGoesOn) {
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

TEST(Residency, LoadGoesOnAfterTheLastRequestGaveUp) {
  FakeInstance instance(Exact());
  instance.Know("a");
  instance.Request("a");
  instance.Advance(seconds(60));
  instance.FinishFetch("a");
  instance.Settle();
  EXPECT_THAT(instance.Ready(), ElementsAre("a"));
}

TEST(Residency, FetchedModelWhoseRequestsGaveUpIsStillLoadedWhenRoomCanBeMadeSoon) {
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

TEST(Residency, WantedModelThatFindsNoRoomIsGivenUpAndSaysSo) {
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

TEST(Residency, SleepsUntilTheOldestWaitEnds) {
  FakeInstance instance(Exact());
  EXPECT_EQ(instance.residency->WakeAt(), std::nullopt);
  instance.Know("a");
  const TimePoint asked = instance.now;
  instance.Request("a");
  EXPECT_EQ(instance.residency->WakeAt(), asked + instance.options.wait_budget);
  instance.Settle();
  EXPECT_EQ(instance.residency->WakeAt(), std::nullopt);
}

// --- failures
// -------------------------------------------------------------------------------------

TEST(Residency, FailedLoadFailsItsRequestsAndIsRememberedForAWhile) {
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

TEST(Residency, ObjectStoreThatIsDownIsNotRememberedForLong) {
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

TEST(Residency, FailureOfOneModelDisturbsNoOther) {
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

TEST(Residency, LostModelIsLoadedAgainOnDemand) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("a", 10);
  instance.Bring("a");
  instance.Lose("a");
  EXPECT_EQ(instance.residency->totals().memory_used_bytes, 0u);
  instance.Bring("a");
  EXPECT_EQ(instance.models["a"].loads, 2);
}

TEST(Residency, OnlyModelsInUseAreBlamedForTheDeathOfTheirProcess) {
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

TEST(Residency, LoadWhoseProcessDiedIsTriedAgainForThoseWhoWait) {
  FakeInstance instance(Exact(10));
  instance.KnowOnDisk("a", 10);
  const int request = instance.Request("a");
  instance.FinishLoad("a", kDied);
  EXPECT_FALSE(instance.Answer(request));
  instance.FinishLoad("a");
  EXPECT_TRUE(instance.Served(request));
}

TEST(Residency, LoadReportedAfterTheDeathOfItsProcessIsNoLoad) {
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

TEST(Residency, ModelThatKillsItsProcessEachTimeIsLeftAloneLongerAndLonger) {
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

// --- room in memory
// -------------------------------------------------------------------------------

TEST(Residency, LoadStartsOnlyWhenTheVictimsMemoryIsReallyFree) {
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

TEST(Residency, NothingIsUnloadedForAModelThatCanNeverFit) {
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

TEST(Residency, ModelThatCanNeverFitNextToThePinnedOnesIsRefused) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("pinned", 20, /*pinned=*/true);
  instance.KnowOnDisk("big", 20);
  instance.Bring("pinned");
  EXPECT_THAT(instance.Failed(instance.Request("big")), Optional(Code::kResourceExhausted));
}

TEST(Residency, NothingIsUnloadedWhenAllThatMayGoIsTooLittle) {
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

TEST(Residency, EvictsTheSmallestSufficientSet) {
  FakeInstance instance(Exact(40));
  instance.KnowOnDisk("s", 5);
  instance.KnowOnDisk("m", 10);
  instance.KnowOnDisk("l", 20);
  instance.KnowOnDisk("new", 14);
  for (const char* id : {"s", "m", "l"}) instance.Bring(id);
  instance.Request("new");  // 5 MiB are free, 9 are missing
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("m"));
}

TEST(Residency, SparesVictimsThatALargerOneMadeSuperfluous) {
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

TEST(Residency, EvictsTheLeastUsedFirst) {
  FakeInstance instance(Exact(30));
  for (const char* id : {"a", "b", "c", "new"}) instance.KnowOnDisk(id, 10);
  for (const char* id : {"a", "b", "c", "a", "c", "c"}) instance.Bring(id);
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("b"));
  EXPECT_THAT(instance.LastReason(Kind::kUnload),
              testing::AllOf(HasSubstr("'new' needs 10.0 MiB"), HasSubstr("0 B free"),
                             HasSubstr("of 3 that may go")));
}

TEST(Residency, AmongEquallyUsedTheLongestUnusedGoesFirst) {
  FakeInstance instance(Exact(30));
  for (const char* id : {"c", "a", "b", "new"}) instance.KnowOnDisk(id, 10);
  for (const char* id : {"b", "c", "a"}) {
    instance.Bring(id);
    instance.Advance(seconds(10));
  }
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("b"));
}

TEST(Residency, OfEquallyUsedModelsTheOneThatReloadsFastestGoes) {
  FakeInstance instance(Exact(20));
  for (const char* id : {"slow", "fast", "new"}) instance.KnowOnDisk(id, 10);
  instance.models["slow"].load_time = seconds(5);
  instance.models["fast"].load_time = milliseconds(5);
  instance.Bring("slow");
  instance.Bring("fast");
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("fast"));
}

TEST(Residency, ScanOverAllModelsDoesNotFlushTheHotOnes) {
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

TEST(Residency, BurstThatWaitedForOneLoadIsNotMistakenForReuse) {
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

TEST(Residency, RegisteringThousandsOfModelsEvictsNobody) {
  FakeInstance instance(Exact(20, 30));
  instance.KnowOnDisk("hot", 10);
  instance.Bring("hot");
  for (int i = 0; i < 10000; ++i) instance.residency->Add(fmt::format("bulk-{}", i), {});
  instance.Tick();
  EXPECT_THAT(instance.Ready(), ElementsAre("hot"));
}

TEST(Residency, PinnedModelIsNeverEvicted) {
  FakeInstance instance(Exact(20));
  instance.KnowOnDisk("pinned", 10, /*pinned=*/true);
  for (const char* id : {"a", "b"}) instance.KnowOnDisk(id, 10);
  instance.Bring("pinned");
  for (int i = 0; i < 10; ++i) instance.Bring("a");
  instance.Request("b");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("a"));
}

TEST(Residency, ModelInUseIsNotEvictedAndTheLoadStartsWhenItHasBecomeIdle) {
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

TEST(Residency, WaitForRoomThatNeverComesEndsWithItsNumbers) {
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

TEST(Residency, AdmittedRequestsProtectTheirModelBeforeTheEngineHasSeenThem) {
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

TEST(Residency, VictimThatIsAskedForAgainWhileItGoesComesBackAfterTheOneItWentFor) {
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

TEST(Residency, JustLoadedModelIsSparedForOneWithoutProvenReuse) {
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

TEST(Residency, JustLoadedModelGoesWhenNothingElseMakesRoom) {
  ResidencyOptions options = Exact(10);
  options.churn_guard = seconds(2);
  FakeInstance instance(options);
  instance.KnowOnDisk("fresh", 10);
  instance.KnowOnDisk("new", 10);
  instance.Bring("fresh");
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("fresh"));
}

TEST(Residency, SmallModelPassesOneThatHasNoRoomIntoFreeMemory) {
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

TEST(Residency, NobodyPassesIntoMemoryThatWasPromised) {
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

TEST(Residency, NobodyBehindOneWithoutRoomEvictsUntilItHasHadItsChance) {
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

TEST(Residency, BigModelAtTheHeadIsServedBeforeTheManySmallOnesBehindIt) {
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

// --- estimates and measurements
// -------------------------------------------------------------------

TEST(Residency, FirstLoadReservesTheEstimateAndThePeakAndTheNextOneWhatWasMeasured) {
  ResidencyOptions options = Exact(100);
  options.size_factor = 1.5;
  options.load_peak_factor = 1;
  FakeInstance instance(options);
  instance.Know("a", {.on_disk = true, .disk_bytes = 10 * kMiB});
  instance.models["a"].memory = 20 * kMiB;
  instance.Request("a");
  EXPECT_EQ(instance.residency->totals().memory_used_bytes, 25 * kMiB);
  instance.FinishLoad("a");
  EXPECT_EQ(instance.residency->totals().memory_used_bytes, 20 * kMiB);
  instance.Lose("a");
  instance.Request("a");
  EXPECT_EQ(instance.residency->totals().memory_used_bytes, 30 * kMiB) << "20 measured, 10 of peak";
}

TEST(Residency, ModelWhosePeakExceedsTheBudgetIsLoadedAlone) {
  ResidencyOptions options = Exact(30);
  options.load_peak_factor = 1;
  FakeInstance instance(options);
  instance.KnowOnDisk("big", 20);
  instance.KnowOnDisk("small", 5);
  instance.Bring("small");
  const int big = instance.Request("big");
  EXPECT_TRUE(instance.Is("small", Kind::kUnload));
  instance.Settle();
  EXPECT_TRUE(instance.Served(big));
}

TEST(Residency, LoadThatTurnsOutBiggerEvictsOthersToGetBackUnderTheBudget) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("a", 10);
  instance.Know("liar", {.on_disk = true, .disk_bytes = 10 * kMiB});
  instance.models["liar"].memory = 25 * kMiB;
  instance.Bring("a");
  const int request = instance.Request("liar");
  instance.FinishLoad("liar");
  EXPECT_TRUE(instance.Served(request));
  EXPECT_TRUE(instance.Is("a", Kind::kUnload));
}

TEST(Residency, LoadThatTurnsOutTooBigEvenAloneIsUndoneWithAClearError) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("a", 10);
  instance.Know("liar", {.on_disk = true, .disk_bytes = 10 * kMiB});
  instance.models["liar"].memory = 50 * kMiB;
  instance.Bring("a");
  const int request = instance.Request("liar");
  instance.FinishLoad("liar");
  EXPECT_THAT(instance.Failed(request), Optional(Code::kResourceExhausted));
  EXPECT_THAT(instance.Answer(request)->message(), HasSubstr("50.0 MiB"));
  EXPECT_TRUE(instance.Is("liar", Kind::kUnload));
  EXPECT_THAT(instance.Ready(), ElementsAre("a")) << "it disturbs nobody";
  instance.Settle();
  EXPECT_THAT(instance.Failed(instance.Request("liar")), Optional(Code::kResourceExhausted))
      << "and is not tried again";
}

TEST(Residency, GrownOverheadEvictsAndShrunkOverheadMakesRoom) {
  FakeInstance instance(Exact(30));
  for (const char* id : {"a", "b"}) instance.KnowOnDisk(id, 10);
  instance.Bring("a");
  instance.Advance(seconds(1));
  instance.Bring("b");
  instance.Overhead(15 * kMiB);
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("a"));
  instance.Settle();
  instance.Request("b");
  const int request = instance.Request("a");
  EXPECT_THAT(instance.UnderWay(Kind::kLoad), IsEmpty());
  instance.Overhead(5 * kMiB);
  instance.Settle();
  EXPECT_TRUE(instance.Served(request));
}

TEST(Residency, OverheadThatNobodyCanMakeRoomForIsWatchedUntilSomebodyCan) {
  FakeInstance instance(Exact(30));
  instance.KnowOnDisk("a", 20);
  instance.Request("a");
  instance.FinishLoad("a");
  instance.Overhead(15 * kMiB);
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), IsEmpty());
  instance.Idle("a");
  instance.Advance(instance.options.room_retry);
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("a"));
}

TEST(Residency, AbsurdSizesFromOutsideNeitherWrapNorFit) {
  FakeInstance instance(Exact(30, 30));
  const uint64_t huge = ~uint64_t{0};
  instance.Know("huge", {.on_disk = true, .disk_bytes = huge, .measured_memory = huge});
  EXPECT_THAT(instance.Failed(instance.Request("huge")), Optional(Code::kResourceExhausted));
  instance.Overhead(huge);
  instance.Overhead(0);
  instance.Settle();
  instance.KnowOnDisk("a", 10);
  instance.Bring("a");
}

// --- room on disk
// ---------------------------------------------------------------------------------

TEST(Residency, FullDiskLosesTheFilesOfLeastWorthThatAreNotLoaded) {
  FakeInstance instance(Exact(20, 40));
  for (const char* id : {"loaded-a", "loaded-b", "file-c", "file-d", "new"}) {
    instance.Know(id, {.download_bytes = 10 * kMiB});
    instance.models[id].memory = 10 * kMiB;
  }
  for (const char* id : {"file-c", "file-d", "file-d", "loaded-a", "loaded-b"}) {
    instance.Bring(id);
    instance.Advance(seconds(1));
  }
  EXPECT_THAT(instance.Ready(), UnorderedElementsAre("file-d", "loaded-b"));
  instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kDelete), ElementsAre(AnyOf("file-c", "loaded-a")));
  EXPECT_THAT(instance.UnderWay(Kind::kFetch), IsEmpty());
  instance.Settle();
  EXPECT_LE(instance.residency->totals().disk_used_bytes, 40 * kMiB);
}

TEST(Residency, WhenAllFilesAreInMemoryAnIdleModelIsUnloadedAndDeleted) {
  FakeInstance instance(Exact(0, 20));
  for (const char* id : {"a", "b", "new"}) instance.Know(id, {.download_bytes = 10 * kMiB});
  instance.Bring("a");
  for (int i = 0; i < 3; ++i) instance.Bring("b");
  const int request = instance.Request("new");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), ElementsAre("a"));
  instance.FinishUnload("a");
  EXPECT_THAT(instance.UnderWay(Kind::kDelete), ElementsAre("a"));
  instance.FinishDelete("a");
  EXPECT_THAT(instance.UnderWay(Kind::kFetch), ElementsAre("new"));
  instance.Settle();
  EXPECT_TRUE(instance.Served(request));
}

TEST(Residency, ModelThatWaitsToBeLoadedKeepsItsFiles) {
  ResidencyOptions options = Exact(0, 20);
  options.max_concurrent_loads = 1;
  FakeInstance instance(options);
  for (const char* id : {"a", "b", "c"}) instance.Know(id, {.download_bytes = 10 * kMiB});
  instance.Request("a");
  instance.Request("b");
  instance.Request("c");
  instance.FinishFetch("a");
  instance.FinishFetch("b");
  EXPECT_THAT(instance.UnderWay(Kind::kDelete), IsEmpty());
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), IsEmpty());
  EXPECT_LE(*instance.residency->WakeAt(), instance.now + options.room_retry);
}

TEST(Residency, ArchiveLargerThanTheDiskIsRefusedAtOnce) {
  FakeInstance instance(Exact(0, 20));
  instance.Know("a", {.download_bytes = 30 * kMiB});
  const int request = instance.Request("a");
  EXPECT_THAT(instance.Failed(request), Optional(Code::kResourceExhausted));
  EXPECT_THAT(instance.Answer(request)->message(), HasSubstr("of disk"));
}

TEST(Residency, FetchThatUnpacksToMoreThanExpectedEvictsOtherFiles) {
  FakeInstance instance(Exact(10, 30));
  instance.Know("old", {.download_bytes = 10 * kMiB});
  instance.Know("bomb", {.download_bytes = 10 * kMiB});
  instance.models["old"].memory = instance.models["bomb"].memory = 10 * kMiB;
  instance.Bring("old");
  instance.UnloadWanted("old");
  instance.Settle();
  instance.models["bomb"].files = 25 * kMiB;
  instance.models["bomb"].memory = 5 * kMiB;
  instance.Request("bomb");
  instance.FinishFetch("bomb");
  EXPECT_TRUE(instance.Is("old", Kind::kDelete));
}

TEST(Residency, FetchThatUnpacksToMoreThanTheWholeDiskIsUndoneAndRefusedFromThenOn) {
  FakeInstance instance(Exact(0, 30));
  instance.Know("bomb", {.download_bytes = 10 * kMiB});
  instance.models["bomb"].files = 50 * kMiB;
  const int request = instance.Request("bomb");
  instance.FinishFetch("bomb");
  EXPECT_THAT(instance.Failed(request), Optional(Code::kResourceExhausted));
  EXPECT_TRUE(instance.Is("bomb", Kind::kDelete));
  instance.Settle();
  EXPECT_THAT(instance.Failed(instance.Request("bomb")), Optional(Code::kResourceExhausted));
  EXPECT_EQ(instance.models["bomb"].fetches, 1);
}

TEST(Residency, UsersOwnFilesAreNeitherDeletedNorCounted) {
  FakeInstance instance(Exact(0, 20));
  instance.Know("theirs", {.on_disk = true, .deletable = false, .disk_bytes = 500 * kMiB});
  instance.Know("a", {.download_bytes = 10 * kMiB});
  EXPECT_EQ(instance.residency->totals().disk_used_bytes, 0u);
  instance.Bring("theirs");
  instance.Bring("a");
  instance.Retire("theirs", Status(Code::kNotFound, "removed"));
  instance.Settle();
  EXPECT_FALSE(instance.residency->row("theirs", instance.now));
  EXPECT_EQ(instance.models["theirs"].on_disk, true);
}

TEST(Residency, RequestDuringTheDeletionFetchesAgainAfterIt) {
  FakeInstance instance(Exact(10, 20));
  for (const char* id : {"a", "b"}) instance.Know(id, {.download_bytes = 10 * kMiB});
  instance.Know("c", {.download_bytes = 10 * kMiB});
  for (const char* id : {"a", "b", "c"}) instance.models[id].memory = 10 * kMiB;
  instance.Bring("a");
  instance.Bring("b");
  instance.Request("c");
  ASSERT_TRUE(instance.Is("a", Kind::kDelete));
  const int request = instance.Request("a");
  for (int i = 0; i < 20; ++i) {
    instance.Settle();
    for (const char* id : {"a", "b", "c"}) instance.Idle(id);
    instance.Advance(instance.options.room_retry);
  }
  EXPECT_TRUE(instance.Served(request));
  EXPECT_EQ(instance.models["a"].fetches, 2);
}

// --- the user's wishes
// ----------------------------------------------------------------------------

TEST(Residency, ExplicitUnloadGoesAheadAndTheModelComesBackOnDemand) {
  FakeInstance instance(Exact());
  instance.KnowOnDisk("a", 10, /*pinned=*/true);
  instance.UnloadWanted("a");
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), IsEmpty()) << "it is not loaded";
  instance.Bring("a");
  instance.UnloadWanted("a");
  EXPECT_TRUE(instance.Is("a", Kind::kUnload));
  const int request = instance.Request("a");
  instance.Settle();
  EXPECT_TRUE(instance.Served(request));
}

TEST(Residency, RetiredModelIsUnloadedWhenIdleDeletedAndForgotten) {
  FakeInstance instance(Exact());
  instance.Know("v1");
  instance.Bring("v1");
  const int running = instance.Request("v1");
  EXPECT_TRUE(instance.Served(running));
  instance.Retire("v1", Status(Code::kNotFound, "replaced"));
  EXPECT_THAT(instance.UnderWay(Kind::kUnload), IsEmpty()) << "it is in use";
  EXPECT_THAT(instance.Failed(instance.Request("v1")), Optional(Code::kNotFound));
  instance.Idle("v1");
  instance.Advance(instance.options.room_retry);
  EXPECT_TRUE(instance.Is("v1", Kind::kUnload));
  instance.FinishUnload("v1");
  EXPECT_TRUE(instance.Is("v1", Kind::kDelete));
  instance.FinishDelete("v1");
  EXPECT_FALSE(instance.residency->row("v1", instance.now));
  EXPECT_EQ(instance.residency->WakeAt(), std::nullopt);
}

TEST(Residency, RetirementDoesNotWaitForEverForAModelThatStaysInUse) {
  FakeInstance instance(Exact());
  instance.Know("v1");
  instance.Bring("v1");
  instance.Request("v1");
  instance.Retire("v1", Status(Code::kNotFound, "replaced"));
  instance.Advance(instance.options.wait_budget);
  EXPECT_TRUE(instance.Is("v1", Kind::kUnload));
}

TEST(Residency, RetiringAModelOnItsWayFailsItsRequestsAndTakesBackWhatArrives) {
  for (Kind stage : {Kind::kFetch, Kind::kLoad}) {
    FakeInstance instance(Exact());
    instance.Know("a");
    const int request = instance.Request("a");
    if (stage == Kind::kLoad) instance.FinishFetch("a");
    ASSERT_TRUE(instance.Is("a", stage));
    instance.Retire("a", Status(Code::kNotFound, "gone"));
    EXPECT_THAT(instance.Failed(request), Optional(Code::kNotFound));
    instance.Settle();
    EXPECT_FALSE(instance.residency->row("a", instance.now));
    EXPECT_FALSE(instance.models["a"].on_disk);
    EXPECT_FALSE(instance.models["a"].in_memory);
  }
}

TEST(Residency, RetiredModelThatIsAddedAgainStays) {
  FakeInstance instance(Exact());
  instance.Know("a");
  instance.Bring("a");
  instance.Request("a");
  instance.Retire("a", Status(Code::kNotFound, "gone"));
  instance.residency->Add("a", {});
  EXPECT_TRUE(instance.Served(instance.Request("a")));
  instance.Idle("a");
  instance.Advance(seconds(120));
  EXPECT_THAT(instance.Ready(), ElementsAre("a"));
}

TEST(Residency, EventsOutOfPlaceChangeNothing) {
  Residency residency(Exact(10));
  const TimePoint now{std::chrono::hours{1}};
  residency.Add("a", {.on_disk = true, .disk_bytes = kMiB});
  for (const char* id : {"a", "unknown"}) {
    EXPECT_THAT(residency.OnFetched(id, Residency::Fetched{5}, now), IsEmpty());
    EXPECT_THAT(residency.OnLoaded(id, Residency::Loaded{5}, now), IsEmpty());
    EXPECT_THAT(residency.OnUnloaded(id, now), IsEmpty());
    EXPECT_THAT(residency.OnDeleted(id, now), IsEmpty());
    EXPECT_THAT(residency.OnLost(id, now), IsEmpty());
    EXPECT_THAT(residency.OnUnloadWanted(id, "why", now), IsEmpty());
    residency.OnUsage(id, {.requests = 3, .in_flight = 1}, now);
  }
  EXPECT_EQ(residency.state("a"), ModelState::kOnDisk);
  EXPECT_EQ(residency.totals().memory_used_bytes, 0u);
}

TEST(Residency, RowsTellStateBytesAndWaiting) {
  FakeInstance instance(Exact(20));
  instance.KnowOnDisk("a", 10);
  instance.KnowOnDisk("b", 5, /*pinned=*/true);
  instance.Bring("a");
  instance.Request("b");
  instance.Request("b");
  EXPECT_EQ(instance.residency->rows(instance.now).size(), 2u);
  const auto a = instance.residency->row("a", instance.now);
  EXPECT_EQ(a->state, ModelState::kReady);
  EXPECT_EQ(a->memory_bytes, 10 * kMiB);
  EXPECT_GT(a->worth, 0);
  const auto b = instance.residency->row("b", instance.now);
  EXPECT_EQ(b->waiting, 2u);
  EXPECT_TRUE(b->pinned);
  EXPECT_EQ(b->disk_bytes, 5 * kMiB);
}

}  // namespace
}  // namespace sarai::policy
