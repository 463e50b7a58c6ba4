// Estimates, measurements and overhead.
#include "policy/residency/fake_instance.h"

namespace sarai::policy {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using Kind = ResidencyAction::Kind;

TEST(ResidencySizes, FirstLoadReservesTheEstimateAndThePeakAndTheNextOneWhatWasMeasured) {
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

TEST(ResidencySizes, ModelWhosePeakExceedsTheBudgetIsLoadedAlone) {
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

TEST(ResidencySizes, LoadThatTurnsOutBiggerEvictsOthersToGetBackUnderTheBudget) {
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

TEST(ResidencySizes, LoadThatTurnsOutTooBigEvenAloneIsUndoneWithAClearError) {
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

TEST(ResidencySizes, GrownOverheadEvictsAndShrunkOverheadMakesRoom) {
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

TEST(ResidencySizes, OverheadThatNobodyCanMakeRoomForIsWatchedUntilSomebodyCan) {
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

TEST(ResidencySizes, AbsurdSizesFromOutsideNeitherWrapNorFit) {
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

}  // namespace
}  // namespace sarai::policy
