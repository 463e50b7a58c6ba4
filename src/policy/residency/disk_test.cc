// Room on disk.
#include "policy/residency/fake_instance.h"

namespace sarai::policy {
namespace {

using std::chrono::seconds;
using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Optional;
using testing::UnorderedElementsAre;
using Kind = ResidencyAction::Kind;

TEST(ResidencyDisk, FullDiskLosesTheFilesOfLeastWorthThatAreNotLoaded) {
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

TEST(ResidencyDisk, WhenAllFilesAreInMemoryAnIdleModelIsUnloadedAndDeleted) {
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

TEST(ResidencyDisk, VictimThatIsAskedForAgainWhileItGoesStillGivesItsBytesToTheOneAhead) {
  FakeInstance instance(Exact(0, 10));
  for (const char* id : {"victim", "new"}) instance.Know(id, {.download_bytes = 10 * kMiB});
  instance.Bring("victim");
  const int first = instance.Request("new");
  const int revived = instance.Request("victim");
  instance.FinishUnload("victim");
  EXPECT_TRUE(instance.Is("victim", Kind::kDelete));
  instance.FinishDelete("victim");
  EXPECT_THAT(instance.UnderWay(Kind::kFetch), ElementsAre("new"));
  instance.FinishFetch("new");
  instance.FinishLoad("new");
  EXPECT_TRUE(instance.Served(first));
  instance.Idle("new");
  instance.Advance(instance.options.room_retry);
  instance.Settle();
  EXPECT_TRUE(instance.Served(revived));
}

TEST(ResidencyDisk, ModelThatWaitsToBeLoadedKeepsItsFiles) {
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

TEST(ResidencyDisk, ArchiveLargerThanTheDiskIsRefusedAtOnce) {
  FakeInstance instance(Exact(0, 20));
  instance.Know("a", {.download_bytes = 30 * kMiB});
  const int request = instance.Request("a");
  EXPECT_THAT(instance.Failed(request), Optional(Code::kResourceExhausted));
  EXPECT_THAT(instance.Answer(request)->message(), HasSubstr("of disk"));
}

TEST(ResidencyDisk, FetchThatUnpacksToMoreThanExpectedEvictsOtherFiles) {
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

TEST(ResidencyDisk, FetchThatUnpacksToMoreThanTheWholeDiskIsUndoneAndRefusedFromThenOn) {
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

TEST(ResidencyDisk, UsersOwnFilesAreNeitherDeletedNorCounted) {
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

TEST(ResidencyDisk, RequestDuringTheDeletionFetchesAgainAfterIt) {
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

}  // namespace
}  // namespace sarai::policy
