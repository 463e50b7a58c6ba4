// A process that is killed at any system call leaves the disk tier in its old state or its new one.
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/disk_tier.h"
#include "store/test_archive.h"

namespace sarai::store {
namespace {

using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int kMostCalls = 5000;

enum class End { kKilled, kFinished, kUntraceable };

// Runs `child`, which makes one thread only, up to its `calls`-th system call, and kills it there.
template <typename Function>
End RunUpToCall(int calls, const Function& child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(1);
    ::raise(SIGSTOP);
    child();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  if (!WIFSTOPPED(status)) return End::kUntraceable;
  for (int stops = 0; stops < 2 * calls; ++stops) {  // one before each call and one behind it
    ::ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    if (!WIFSTOPPED(status)) return End::kFinished;
  }
  ::kill(pid, SIGKILL);
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  return End::kKilled;
}

class DiskTierCrashTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_.Put("old/shared", "in both");
    store_.Put("old/only", "in the old one");
    store_.Put("new/shared", "in both");
    store_.Put("new/1/weights", "in the new one");
  }
  std::unique_ptr<DiskTier> Open() {
    auto tier = DiskTier::Open({.directory = folder_.path("tier")});
    EXPECT_TRUE(tier.has_value()) << tier.error().ToString();
    return std::move(*tier);
  }
  std::string Fetch(DiskTier& tier, const std::string& name) {
    const auto artifact = tier.FetchFolder(store_, name + '/', "mem://" + name, 0);
    EXPECT_TRUE(artifact.has_value()) << artifact.error().ToString();
    return artifact ? artifact->digest : "";
  }
  // The names of the artifacts that are here, each of them checked to be whole.
  std::vector<std::string> WholeArtifacts(const DiskTier& tier) {
    std::vector<std::string> names;
    for (const char* name : {"old", "new"}) {
      const auto artifact = tier.FindAny(std::string("mem://") + name);
      if (!artifact) continue;
      names.push_back(name);
      EXPECT_EQ(ReadAll(artifact->directory + "/shared"), "in both");
      EXPECT_EQ(FilesBelow(artifact->directory).size(), 2u);
    }
    return names;
  }
  uint64_t BytesOnDisk() const {
    uint64_t sum = 0;
    for (const auto& [name, contents] : FilesBelow(folder_.path("tier/blobs")))
      sum += contents.size();
    return sum;
  }

  TestFolder folder_;
  MemoryStore store_;
};

TEST_F(DiskTierCrashTest, AKillAtAnySystemCallLeavesOnlyWholeArtifacts) {
  std::string old_digest = Fetch(*Open(), "old");
  for (int calls = 1; calls < kMostCalls; ++calls) {
    const End end = RunUpToCall(calls, [&] {
      const auto tier = Open();
      Fetch(*tier, "new");
      tier->SetMeasured(old_digest, {.memory_bytes = 1});
      (void)tier->Delete(old_digest);
    });
    if (end == End::kUntraceable) GTEST_SKIP() << "this system lets nobody trace his own child";
    const auto tier = Open();
    ASSERT_THAT(WholeArtifacts(*tier),
                AnyOf(ElementsAre("old"), ElementsAre("old", "new"), ElementsAre("new")))
        << "killed at call " << calls;
    for (const Artifact& artifact : tier->List()) {
      if (!artifact.url.empty()) continue;  // killed between the tree and its index entry
      EXPECT_TRUE(tier->Delete(artifact.digest).ok());
    }
    ASSERT_EQ(tier->used_bytes(), BytesOnDisk()) << "killed at call " << calls;
    ASSERT_THAT(FilesBelow(folder_.path("tier/tmp")), IsEmpty());
    if (end == End::kFinished) {
      EXPECT_THAT(WholeArtifacts(*tier), ElementsAre("new"));
      EXPECT_GT(calls, 50);
      return;
    }
    for (const Artifact& artifact : tier->List()) EXPECT_TRUE(tier->Delete(artifact.digest).ok());
    ASSERT_EQ(BytesOnDisk(), 0u) << "killed at call " << calls;
    old_digest = Fetch(*tier, "old");
  }
  FAIL() << "the child never came to its end";
}

}  // namespace
}  // namespace sarai::store
