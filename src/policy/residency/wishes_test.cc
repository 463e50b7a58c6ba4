// The user's wishes: unload, retire, add again.
#include "policy/residency/fake_instance.h"

namespace sarai::policy {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using Kind = ResidencyAction::Kind;

TEST(ResidencyWishes, ExplicitUnloadGoesAheadAndTheModelComesBackOnDemand) {
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

TEST(ResidencyWishes, RetiredModelIsUnloadedWhenIdleDeletedAndForgotten) {
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

TEST(ResidencyWishes, RetirementDoesNotWaitForEverForAModelThatStaysInUse) {
  FakeInstance instance(Exact());
  instance.Know("v1");
  instance.Bring("v1");
  instance.Request("v1");
  instance.Retire("v1", Status(Code::kNotFound, "replaced"));
  instance.Advance(instance.options.wait_budget);
  EXPECT_TRUE(instance.Is("v1", Kind::kUnload));
}

TEST(ResidencyWishes, RetiringAModelOnItsWayFailsItsRequestsAndTakesBackWhatArrives) {
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

TEST(ResidencyWishes, RetiredModelThatIsAddedAgainStays) {
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

TEST(ResidencyWishes, EventsOutOfPlaceChangeNothing) {
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

TEST(ResidencyWishes, RowsTellStateBytesAndWaiting) {
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
