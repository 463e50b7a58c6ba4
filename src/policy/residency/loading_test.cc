// A model's way into memory.
#include "policy/residency/fake_instance.h"

namespace sarai::policy {
namespace {

using testing::ElementsAre;
using testing::Optional;
using testing::UnorderedElementsAre;
using Kind = ResidencyAction::Kind;

TEST(ResidencyLoading, FetchesLoadsAndAnswersTheRequestThatAskedFirst) {
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

TEST(ResidencyLoading, ModelOnDiskIsNotFetched) {
  FakeInstance instance(Exact());
  instance.KnowOnDisk("a", 10);
  instance.Request("a");
  EXPECT_TRUE(instance.Is("a", Kind::kLoad));
}

TEST(ResidencyLoading, ManyFirstRequestsMakeOneFetchOneLoadAndAllAreAnswered) {
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

TEST(ResidencyLoading, UnknownModelIsRefused) {
  FakeInstance instance(Exact());
  EXPECT_THAT(instance.Failed(instance.Request("nobody")), Optional(Code::kNotFound));
}

TEST(ResidencyLoading, WantedModelIsLoadedThoughNobodyWaits) {
  FakeInstance instance(Exact());
  instance.Know("a");
  instance.Want("a");
  instance.Settle();
  EXPECT_THAT(instance.Ready(), ElementsAre("a"));
  EXPECT_EQ(instance.history.back().kind, Kind::kAdmit);
  EXPECT_EQ(instance.history.back().count, 0u);
}

TEST(ResidencyLoading, FetchesAndLoadsAreBoundedInNumberAndStartInTheOrderOfTheFirstWait) {
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

TEST(ResidencyLoading, ModelsThatSomebodyWaitsForComeBeforeWantedOnes) {
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

}  // namespace
}  // namespace sarai::policy
