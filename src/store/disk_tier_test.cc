#include "store/disk_tier.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/file_store.h"
#include "store/folder.h"
#include "store/sha256.h"
#include "store/test_archive.h"

namespace sarai::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

std::unique_ptr<DiskTier> OpenTier(const std::string& directory) {
  auto tier = DiskTier::Open({.directory = directory});
  EXPECT_TRUE(tier.has_value()) << tier.error().ToString();
  return tier ? std::move(*tier) : nullptr;
}

class DiskTierTest : public ::testing::Test {
 protected:
  Result<Artifact> Fetch(const std::string& key, std::string archive, uint64_t budget = 0) {
    store_.Put(key, std::move(archive));
    return tier_->Fetch(store_, *store_.Head(key), "mem://" + key, budget);
  }
  void Reopen() {
    tier_.reset();
    tier_ = OpenTier(folder_.path("tier"));
  }
  size_t FilesIn(const std::string& name) const {
    return FilesBelow(folder_.path("tier/" + name)).size();
  }

  TestFolder folder_;
  MemoryStore store_;
  std::unique_ptr<DiskTier> tier_ = OpenTier(folder_.path("tier"));
};

std::string SmallModel() {
  return TestTar()
      .Folder("resnet/")
      .File("resnet/config.pbtxt", "name: 'r'")
      .File("resnet/1/model.onnx", Noise(5000, 1))
      .Finish();
}

TEST_F(DiskTierTest, UnpacksEveryKindOfArchiveToTheSameTree) {
  const auto plain = Fetch("a.tar", SmallModel());
  const auto gzip = Fetch("a.tar.gz", Gzip(SmallModel()));
  const auto zstd = Fetch("a.tar.zst", Zstd(SmallModel()));
  ASSERT_TRUE(plain.has_value()) << plain.error().ToString();
  ASSERT_TRUE(gzip.has_value()) << gzip.error().ToString();
  ASSERT_TRUE(zstd.has_value()) << zstd.error().ToString();
  EXPECT_EQ(plain->digest, gzip->digest);
  EXPECT_EQ(plain->digest, zstd->digest);
  EXPECT_THAT(FilesBelow(plain->directory),
              UnorderedElementsAre(Pair("resnet/config.pbtxt", "name: 'r'"),
                                   Pair("resnet/1/model.onnx", Noise(5000, 1))));
  EXPECT_EQ(plain->bytes, 5009u);
  EXPECT_EQ(tier_->used_bytes(), 5009u);
}

TEST_F(DiskTierTest, FindsWhatWasFetchedByVersionAndTheLastOneByUrl) {
  const auto first = Fetch("m", Gzip(SmallModel()));
  const std::string first_etag = store_.Head("m")->etag;
  const auto second = Fetch("m", Gzip(TestTar().File("other", "x").Finish()));
  ASSERT_TRUE(first && second);
  EXPECT_EQ(tier_->Find("mem://m", first_etag)->digest, first->digest);
  EXPECT_EQ(tier_->FindAny("mem://m")->digest, second->digest);
  EXPECT_FALSE(tier_->Find("mem://m", "\"never\"").has_value());
  EXPECT_FALSE(tier_->FindAny("mem://n").has_value());
}

TEST_F(DiskTierTest, DoesNotFetchAVersionAgainThatIsHere) {
  ASSERT_TRUE(Fetch("m", SmallModel()).has_value());
  ASSERT_TRUE(Fetch("m", SmallModel()).has_value());
  EXPECT_EQ(store_.gets, 1);
}

TEST_F(DiskTierTest, KeepsArtifactsOverARestart) {
  const auto before = Fetch("m", SmallModel());
  ASSERT_TRUE(before.has_value());
  Reopen();
  const auto after = tier_->Find("mem://m", before->etag);
  ASSERT_TRUE(after.has_value());
  EXPECT_EQ(after->digest, before->digest);
  EXPECT_EQ(after->bytes, before->bytes);
  EXPECT_EQ(after->unique_bytes, before->bytes);
  EXPECT_EQ(tier_->used_bytes(), before->bytes);
  ASSERT_EQ(tier_->List().size(), 1u);
  EXPECT_EQ(tier_->List()[0].url, "mem://m");
}

TEST_F(DiskTierTest, SharesEqualContentsBetweenArtifactsAndCountsThemOnce) {
  const std::string shared = Noise(9000, 2);
  const auto a = Fetch("a", TestTar().File("w", shared).File("head", "aaaa").Finish());
  EXPECT_EQ(a->unique_bytes, 9004u);
  const auto b = Fetch("b", TestTar().File("w", shared).File("head", "bbbb").Finish());
  EXPECT_EQ(b->bytes, 9004u);
  EXPECT_EQ(b->unique_bytes, 4u);
  EXPECT_EQ(tier_->used_bytes(), 9008u);
  EXPECT_TRUE(fs::equivalent(a->directory + "/w", b->directory + "/w"));
  EXPECT_FALSE(fs::is_symlink(b->directory + "/w"));
  ASSERT_TRUE(tier_->Delete(a->digest).ok());
  EXPECT_EQ(tier_->used_bytes(), 9004u);
  EXPECT_EQ(ReadAll(b->directory + "/w"), shared);
  EXPECT_EQ(tier_->List()[0].unique_bytes, 9004u);
}

TEST_F(DiskTierTest, DeletesAnArtifactWholeAndTwiceIsFine) {
  const auto artifact = Fetch("m", SmallModel());
  ASSERT_TRUE(tier_->Delete(artifact->digest).ok());
  EXPECT_TRUE(tier_->Delete(artifact->digest).ok());
  EXPECT_TRUE(tier_->Delete("no digest").ok());
  EXPECT_FALSE(tier_->FindAny("mem://m").has_value());
  EXPECT_THAT(tier_->List(), IsEmpty());
  EXPECT_EQ(tier_->used_bytes(), 0u);
  for (const char* name : {"blobs", "trees", "manifests", "index", "tmp"}) {
    EXPECT_EQ(FilesIn(name), 0u) << name;
  }
}

TEST_F(DiskTierTest, DeletedFilesStayReadableForWhoHasThemOpen) {
  const auto artifact = Fetch("m", SmallModel());
  std::ifstream open(artifact->directory + "/resnet/config.pbtxt");
  ASSERT_TRUE(tier_->Delete(artifact->digest).ok());
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(open), {}), "name: 'r'");
}

TEST_F(DiskTierTest, KeepsMeasuredFiguresOverDeleteAndRestart) {
  const auto artifact = Fetch("m", SmallModel());
  tier_->SetMeasured(artifact->digest, {.memory_bytes = 77, .load_time = Duration(5'000'000)});
  ASSERT_TRUE(tier_->Delete(artifact->digest).ok());
  Reopen();
  ASSERT_TRUE(tier_->measured(artifact->digest).has_value());
  EXPECT_EQ(tier_->measured(artifact->digest)->memory_bytes, 77u);
  EXPECT_EQ(tier_->measured(artifact->digest)->load_time, Duration(5'000'000));
  EXPECT_FALSE(tier_->measured(std::string(64, '0')).has_value());
}

TEST_F(DiskTierTest, FilesAndFoldersAreReadOnlyAndExecutablesStayExecutable) {
  const auto artifact =
      Fetch("m", TestTar().File("d/data", "same", 04666).File("d/tool", "same", 06755).Finish());
  ASSERT_TRUE(artifact.has_value());
  const auto mode = [&](const std::string& name) {
    return static_cast<unsigned>(fs::status(artifact->directory + name).permissions());
  };
  EXPECT_EQ(mode("/d/data"), 0444u);
  EXPECT_EQ(mode("/d/tool"), 0555u);
  EXPECT_EQ(mode("/d"), 0555u);
  EXPECT_EQ(mode(""), 0555u);
}

TEST_F(DiskTierTest, TheDigestCoversNamesContentsModesAndLinks) {
  const std::vector<std::string> archives = {TestTar().File("a", "1").Finish(),
                                             TestTar().File("b", "1").Finish(),
                                             TestTar().File("a", "2").Finish(),
                                             TestTar().File("a", "1", 0755).Finish(),
                                             TestTar().File("a", "1").Symlink("l", "a").Finish(),
                                             TestTar().File("a", "1").Symlink("l", ".").Finish(),
                                             TestTar().File("a", "1").Folder("l").Finish()};
  std::set<std::string> digests;
  for (size_t i = 0; i < archives.size(); ++i) {
    const auto artifact = Fetch(fmt::format("{}", i), archives[i]);
    ASSERT_TRUE(artifact.has_value()) << artifact.error().ToString();
    digests.insert(artifact->digest);
  }
  EXPECT_EQ(digests.size(), archives.size());
}

TEST_F(DiskTierTest, FetchesAFolderOfLooseObjects) {
  store_.Put("repo/m/", "");
  store_.Put("repo/m/config.pbtxt", "x");
  store_.Put("repo/m/1/model.onnx", "yy");
  store_.Put("repo/m/2/", "");
  store_.Put("repo/mother", "not below the prefix");
  const auto artifact = tier_->FetchFolder(store_, "repo/m/", "mem://repo/m/", 0);
  ASSERT_TRUE(artifact.has_value()) << artifact.error().ToString();
  EXPECT_THAT(FilesBelow(artifact->directory),
              UnorderedElementsAre(Pair("config.pbtxt", "x"), Pair("1/model.onnx", "yy")));
  EXPECT_TRUE(fs::is_directory(artifact->directory + "/2"));
  const auto version = ListFolder(store_, "repo/m/", 100);
  EXPECT_EQ(tier_->Find("mem://repo/m/", version->info.etag)->digest, artifact->digest);
  store_.Put("repo/m/1/model.onnx", "zz");
  EXPECT_NE(ListFolder(store_, "repo/m/", 100)->info.etag, version->info.etag);
}

TEST_F(DiskTierTest, AnEmptyFolderIsNotFound) {
  const auto artifact = tier_->FetchFolder(store_, "none/", "mem://none/", 0);
  ASSERT_FALSE(artifact.has_value());
  EXPECT_EQ(artifact.error().code(), Code::kNotFound);
}

TEST_F(DiskTierTest, AFailedTransferLeavesNothingBehind) {
  store_.on_piece = [](uint64_t sent) {
    return sent < 4000 ? Status() : Status(Code::kUnavailable, "the network went away");
  };
  const auto artifact = Fetch("m", SmallModel());
  ASSERT_FALSE(artifact.has_value());
  EXPECT_EQ(artifact.error().code(), Code::kUnavailable);
  EXPECT_THAT(artifact.error().message(), HasSubstr("mem://m"));
  EXPECT_THAT(artifact.error().message(), HasSubstr("the network went away"));
  EXPECT_EQ(tier_->used_bytes(), 0u);
  for (const char* name : {"blobs", "trees", "manifests", "index", "tmp"}) {
    EXPECT_EQ(FilesIn(name), 0u) << name;
  }
}

TEST_F(DiskTierTest, ABudgetBoundsWhatAnArchiveUnpacksTo) {
  EXPECT_TRUE(Fetch("fits", SmallModel(), 5009).has_value());
  const auto refused = Fetch("does not", Gzip(SmallModel() + std::string(1, '\0')), 5008);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), Code::kResourceExhausted);
  EXPECT_THAT(refused.error().message(), HasSubstr("resnet/1/model.onnx"));
}

TEST_F(DiskTierTest, ManyThreadsFetchTheSameAndDifferentObjects) {
  for (int i = 0; i < 4; ++i) {
    store_.Put(fmt::format("{}", i), Gzip(TestTar()
                                              .File("shared", Noise(300'000, 9))
                                              .File("own", Noise(1000, static_cast<uint32_t>(i)))
                                              .Finish()));
  }
  std::vector<std::thread> threads;
  std::vector<std::string> digests(8);
  std::vector<MemoryStore> stores(8, store_);
  for (size_t i = 0; i < digests.size(); ++i) {
    threads.emplace_back([&, i] {
      const std::string key = fmt::format("{}", i % 4);
      const auto artifact = tier_->Fetch(stores[i], *stores[i].Head(key), "mem://" + key, 0);
      if (artifact) digests[i] = artifact->digest;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 0; i < 4; ++i) {
    EXPECT_FALSE(digests[i].empty());
    EXPECT_EQ(digests[i], digests[i + 4]);
  }
  EXPECT_EQ(tier_->List().size(), 4u);
  EXPECT_EQ(tier_->used_bytes(), 304'000u);
  EXPECT_EQ(FilesIn("tmp"), 0u);
}

TEST_F(DiskTierTest, DeletingAnArtifactDoesNotTakeBlobsFromAFetchInProgress) {
  const std::string shared = Noise(2000, 3);
  const auto old = Fetch("old", TestTar().File("w", shared).Finish());
  const std::string archive = TestTar().File("w", shared).File("tail", Noise(200'000, 4)).Finish();
  store_.on_piece = [&](uint64_t sent) {
    return sent > 100'000 ? tier_->Delete(old->digest) : Status();
  };
  const auto artifact = Fetch("new", archive);
  ASSERT_TRUE(artifact.has_value()) << artifact.error().ToString();
  EXPECT_EQ(ReadAll(artifact->directory + "/w"), shared);
  EXPECT_EQ(tier_->List().size(), 1u);
}

TEST_F(DiskTierTest, TwoProcessesNeverShareAFolder) {
  const auto second = DiskTier::Open({.directory = folder_.path("tier")});
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(second.error().message(), HasSubstr(fmt::format("process {}:", ::getpid())));
}

TEST_F(DiskTierTest, DropsAtOpenWhatAPowerCutDamaged) {
  const auto whole = Fetch("whole", TestTar().File("w", "12345").Finish());
  const auto damaged = Fetch("damaged", TestTar().File("w", "67890").Finish());
  const auto unlisted = Fetch("unlisted", TestTar().File("w", "abcde").Finish());
  tier_.reset();
  fs::permissions(damaged->directory + "/w", fs::perms::owner_all);
  fs::resize_file(damaged->directory + "/w", 0);
  fs::resize_file(folder_.path("tier/manifests/" + unlisted->digest), 0);
  folder_.Write("tier/tmp/7/file", "left over");
  folder_.Write("tier/blobs/ab/stranger", "left over");
  folder_.Write("tier/index/broken.json", "{");
  Reopen();
  ASSERT_EQ(tier_->List().size(), 1u);
  EXPECT_EQ(tier_->List()[0].digest, whole->digest);
  EXPECT_EQ(tier_->used_bytes(), 5u);
  EXPECT_EQ(FilesIn("tmp"), 0u);
  EXPECT_EQ(FilesIn("blobs"), 1u);
  EXPECT_EQ(FilesIn("trees"), 1u);
  EXPECT_EQ(FilesIn("manifests"), 1u);
  EXPECT_EQ(FilesIn("index"), 1u);
  const auto again = Fetch("damaged", TestTar().File("w", "67890").Finish());
  EXPECT_EQ(ReadAll(again->directory + "/w"), "67890");
}

// Runs `child` in a process that kills itself, and waits for its end.
template <typename Function>
void RunToItsDeath(const Function& child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    child();
    ::_exit(1);  // it should not have come this far
  }
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(DiskTierTest, AProcessKilledInTheMiddleOfAFetchLeavesNothingBehind) {
  const auto kept = Fetch("kept", SmallModel());
  tier_.reset();
  std::string archive;
  for (uint32_t i = 0; i < 20; ++i) {
    archive += TestTar().File(fmt::format("f{}", i), Noise(400'000, i)).Unfinished();
  }
  RunToItsDeath([&] {
    tier_ = OpenTier(folder_.path("tier"));
    store_.on_piece = [](uint64_t sent) {
      if (sent >= 7'000'000) ::raise(SIGKILL);
      return Status();
    };
    (void)Fetch("killed", archive + std::string(1024, '\0'));
  });
  EXPECT_GT(FilesIn("blobs"), 2u);  // it had come far enough to leave something
  store_.on_piece = nullptr;
  Reopen();
  EXPECT_EQ(tier_->used_bytes(), kept->bytes);
  EXPECT_EQ(FilesIn("blobs"), 2u);
  EXPECT_EQ(FilesIn("tmp"), 0u);
  EXPECT_EQ(tier_->List().size(), 1u);
  const auto artifact = Fetch("killed", archive + std::string(1024, '\0'));
  ASSERT_TRUE(artifact.has_value()) << artifact.error().ToString();
  EXPECT_EQ(ReadAll(artifact->directory + "/f19"), Noise(400'000, 19));
}

TEST(DiskTierOptionsTest, SaysWhyAFolderCannotBeMade) {
  TestFolder folder;
  folder.Write("file", "");
  const auto tier = DiskTier::Open({.directory = folder.path("file/tier")});
  ASSERT_FALSE(tier.has_value());
  EXPECT_THAT(tier.error().message(), HasSubstr("file/tier"));
}

}  // namespace
}  // namespace sarai::store
