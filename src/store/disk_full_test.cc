// The disk tier on a disk that has no room left.
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/disk_tier.h"
#include "store/test_archive.h"

namespace sarai::store {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr int kCannotMount = 77;

bool WriteLine(const char* path, const std::string& line) {
  std::ofstream file(path);
  return static_cast<bool>(file << line << std::flush);
}

// Mounts that only this process sees: at once for root, in a user namespace for others.
bool OwnMounts() {
  if (::unshare(CLONE_NEWNS) == 0) return true;
  const uid_t user = ::getuid();
  const gid_t group = ::getgid();
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && WriteLine("/proc/self/setgroups", "deny") &&
         WriteLine("/proc/self/uid_map", fmt::format("0 {} 1", user)) &&
         WriteLine("/proc/self/gid_map", fmt::format("0 {} 1", group));
}

// A file system of 4 MiB on `directory`.
bool MountSmallDisk(const std::string& directory) {
  return OwnMounts() && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount("none", directory.c_str(), "tmpfs", 0, "size=4m") == 0;
}

std::string ArchiveOf(size_t bytes, uint32_t seed) {
  return Gzip(TestTar().File("small", "x").File("large", Noise(bytes, seed)).Finish());
}

// Whether a fetch that does not fit fails as it should and leaves room for one that does.
void FillTheDisk(const std::string& directory) {
  auto tier = DiskTier::Open({.directory = directory + "/tier"});
  ASSERT_TRUE(tier.has_value()) << tier.error().ToString();
  MemoryStore store;
  store.Put("too large", ArchiveOf(6'000'000, 1));
  store.Put("fits", ArchiveOf(3'000'000, 2));
  for (int i = 0; i < 3; ++i) {
    const auto refused = (*tier)->Fetch(store, *store.Head("too large"), "mem://too large", 0);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), Code::kResourceExhausted) << refused.error().ToString();
    EXPECT_THAT(refused.error().message(), HasSubstr("the disk is full"));
    EXPECT_EQ((*tier)->used_bytes(), 0u);
    const auto artifact = (*tier)->Fetch(store, *store.Head("fits"), "mem://fits", 0);
    ASSERT_TRUE(artifact.has_value()) << artifact.error().ToString();
    EXPECT_TRUE((*tier)->Delete(artifact->digest).ok());
  }
}

TEST(DiskFullTest, AFullDiskRefusesTheArtifactAndNothingElse) {
  TestFolder folder;
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (!MountSmallDisk(folder.path())) ::_exit(kCannotMount);
    FillTheDisk(folder.path());
    ::_exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kCannotMount) {
    GTEST_SKIP() << "this system lets nobody mount a tmpfs of his own";
  }
  EXPECT_EQ(WEXITSTATUS(status), 0) << "see the failures above";
}

TEST(DiskFullTest, AFileThatMayNotGrowIsRefusedAndCleanedUp) {
  TestFolder folder;
  auto tier = DiskTier::Open({.directory = folder.path("tier")});
  MemoryStore store;
  store.Put("m", ArchiveOf(2'000'000, 3));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit tight{.rlim_cur = 1'000'000, .rlim_max = before.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto refused = (*tier)->Fetch(store, *store.Head("m"), "mem://m", 0);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kResourceExhausted) << refused.error().ToString();
  EXPECT_THAT(FilesBelow(folder.path("tier/tmp")), IsEmpty());
  EXPECT_THAT(FilesBelow(folder.path("tier/blobs")), IsEmpty());
  EXPECT_TRUE((*tier)->Fetch(store, *store.Head("m"), "mem://m", 0).has_value());
}

}  // namespace
}  // namespace sarai::store
