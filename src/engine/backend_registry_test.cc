#include "engine/backend_registry.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/fake_backend.h"
#include "engine/testing/test_values.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(BackendRegistry, SaysWhichBackendsThereAre) {
  TestFolder folder;
  folder.Write("libsarai_a.so", "");
  folder.Write("libsarai_b.so", "");
  folder.Write("other.so", "");
  BackendRegistry registry({.backend_directory = folder.path(), .in_process = {"a"}});
  for (const char* name : {"c", "", "../a", "a.so/../a"}) {
    const auto missing = registry.Get(name);
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code(), Code::kNotFound);
    EXPECT_EQ(missing.error().message(),
              fmt::format("no backend '{}' in '{}'; there is: a, b", name, folder.path()));
  }
}

TEST(BackendRegistry, TriesALibraryThatDidNotOpenAgain) {
  TestFolder folder;
  folder.Write("libsarai_a.so", "no library");
  BackendRegistry registry({.backend_directory = folder.path(), .in_process = {"a"}});
  for (int i = 0; i < 2; ++i)
    EXPECT_THAT(registry.Get("a").error().message(), HasSubstr("libsarai_a.so"));
  EXPECT_THAT(registry.opened(), testing::IsEmpty());
}

TEST(BackendRegistry, NeedsAnExecutableForBackendsInAProcessOfTheirOwn) {
  TestFolder folder;
  folder.Write("libsarai_a.so", "");
  BackendRegistry registry({.backend_directory = folder.path()});
  EXPECT_EQ(registry.Get("a").error().code(), Code::kFailedPrecondition);
}

TEST(BackendRegistry, TellsLossesOfBackendsAddedBeforeAndAfter) {
  BackendRegistry registry({});
  auto* early = new FakeBackend;
  auto* late = new FakeBackend;
  registry.Add("early", std::unique_ptr<backends::Backend>(early));
  std::vector<std::string> lost;
  registry.OnModelsLost([&](const std::string& backend, const Status& why) {
    lost.push_back(backend + ": " + why.message());
  });
  registry.Add("late", std::unique_ptr<backends::Backend>(late));
  early->LoseModels(MakeStatus(Code::kUnavailable, "gone"));
  late->LoseModels(MakeStatus(Code::kUnavailable, "gone"));
  EXPECT_THAT(lost, ElementsAre("early: gone", "late: gone"));
  EXPECT_EQ(registry.Get("early").value(), early);
  EXPECT_THAT(registry.process_ids(), ElementsAre(getpid()));
}

}  // namespace
}  // namespace sarai::engine
