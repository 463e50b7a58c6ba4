// What an archive may be and what it may not, through the whole way to the disk tier.
#include "store/unpack.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/disk_tier.h"
#include "store/test_archive.h"

namespace sarai::store {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class UnpackTest : public ::testing::Test {
 protected:
  Result<Artifact> Unpack(std::string archive, uint64_t budget = 0) {
    store_.Put("key", std::move(archive));
    return tier_->Fetch(store_, *store_.Head("key"), "mem://key", budget);
  }

  void ExpectRefused(const std::string& archive, Code code, const std::string& text) {
    for (const std::string& form : {archive, Gzip(archive), Zstd(archive)}) {
      const auto artifact = Unpack(form);
      ASSERT_FALSE(artifact.has_value()) << text;
      EXPECT_EQ(artifact.error().code(), code) << artifact.error().ToString();
      EXPECT_THAT(artifact.error().message(), HasSubstr(text));
    }
    EXPECT_EQ(tier_->used_bytes(), 0u);
    EXPECT_TRUE(tier_->List().empty());
    EXPECT_TRUE(FilesBelow(folder_.path("tier/blobs")).empty());
    EXPECT_TRUE(FilesBelow(folder_.path("tier/tmp")).empty());
    EXPECT_FALSE(fs::exists(folder_.path("escaped")));
  }

  // What GNU tar makes of the files below `name`.
  std::string SystemTar(const std::string& name, const std::string& options) {
    const std::string out = folder_.path("system.tar");
    const std::string command =
        fmt::format("tar {} -cf '{}' -C '{}' .", options, out, folder_.path(name));
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    return ReadAll(out);
  }

  TestFolder folder_;
  MemoryStore store_;
  std::unique_ptr<DiskTier> tier_ =
      std::move(*DiskTier::Open({.directory = folder_.path("tier"), .max_entries = 500}));
};

TEST_F(UnpackTest, ReadsWhatGnuTarWritesInEveryFormat) {
  const std::string long_name = std::string(80, 'd') + '/' + std::string(90, 'n') + "-ü";
  folder_.Write("in/" + long_name, "long");
  folder_.Write("in/m/1/model.pt", Noise(70'000, 1));
  fs::create_hard_link(folder_.path("in/m/1/model.pt"), folder_.path("in/m/1/same.pt"));
  fs::create_symlink("1/model.pt", folder_.path("in/m/link"));
  std::set<std::string> digests;
  for (const char* options : {"--format=gnu", "--format=pax", "-z", "--zstd", "--format=gnu -z"}) {
    const auto artifact = Unpack(SystemTar("in", options));
    ASSERT_TRUE(artifact.has_value()) << options << ": " << artifact.error().ToString();
    EXPECT_THAT(
        FilesBelow(artifact->directory),
        UnorderedElementsAre(Pair(long_name, "long"), Pair("m/1/model.pt", Noise(70'000, 1)),
                             Pair("m/1/same.pt", Noise(70'000, 1))));
    EXPECT_EQ(fs::read_symlink(artifact->directory + "/m/link"), "1/model.pt");
    digests.insert(artifact->digest);
  }
  EXPECT_EQ(digests.size(), 1u);
  EXPECT_EQ(tier_->used_bytes(), 70'004u);
}

TEST_F(UnpackTest, ReadsSparseFiles) {
  folder_.Write("in/sparse", "begin");
  fs::resize_file(folder_.path("in/sparse"), 3'000'000);
  const auto artifact = Unpack(SystemTar("in", "--sparse --format=pax"));
  ASSERT_TRUE(artifact.has_value()) << artifact.error().ToString();
  EXPECT_EQ(ReadAll(artifact->directory + "/sparse"), "begin" + std::string(2'999'995, '\0'));
}

TEST_F(UnpackTest, ReadsGzipMembersInARowInPiecesOfAnySize) {
  const std::string tar = TestTar().File("a", Noise(5000, 1)).File("b", Noise(3000, 2)).Finish();
  const std::string archive =
      Gzip(tar.substr(0, 4000)) + Gzip(tar.substr(4000)) + std::string(9, '\0');
  std::set<std::string> digests;
  for (const size_t piece : {1, 2, 7, 100, 4001, 100'000}) {
    store_.piece_bytes = piece;
    const auto artifact = Unpack(archive);
    ASSERT_TRUE(artifact.has_value()) << piece << ": " << artifact.error().ToString();
    digests.insert(artifact->digest);
    ASSERT_TRUE(tier_->Delete(artifact->digest).ok());
  }
  EXPECT_EQ(digests.size(), 1u);
}

TEST_F(UnpackTest, TheLaterOfTwoFilesOfOneNameWins) {
  const auto artifact = Unpack(TestTar().File("a", "first").File("a", "second!").Finish());
  ASSERT_TRUE(artifact.has_value()) << artifact.error().ToString();
  EXPECT_EQ(ReadAll(artifact->directory + "/a"), "second!");
  EXPECT_EQ(tier_->used_bytes(), 7u);
}

TEST_F(UnpackTest, KeepsLinksThatStayInside) {
  const auto artifact = Unpack(TestTar()
                                   .File("m/1/w", "x")
                                   .Symlink("m/2", "1")
                                   .Symlink("m/3", "../m/2/../1/./w")
                                   .Symlink("dangling", "m/9")
                                   .Finish());
  ASSERT_TRUE(artifact.has_value()) << artifact.error().ToString();
  EXPECT_EQ(ReadAll(artifact->directory + "/m/2/w"), "x");
  EXPECT_EQ(ReadAll(artifact->directory + "/m/3"), "x");
}

TEST_F(UnpackTest, RefusesPathsThatLeaveTheArchive) {
  for (const char* name : {"/etc/escaped", "../escaped", "a/../../escaped", "a/..", ".."}) {
    ExpectRefused(TestTar().File("fine", "x").File(name, "x").Finish(), Code::kDataLoss,
                  fmt::format("'{}'", name));
  }
}

TEST_F(UnpackTest, RefusesLinksThatLeaveTheArchive) {
  ExpectRefused(TestTar().File("f", "x").Symlink("l", "/etc/passwd").Finish(), Code::kDataLoss,
                "'l' -> '/etc/passwd'");
  ExpectRefused(TestTar().File("f", "x").Symlink("d/l", "../../escaped").Finish(), Code::kDataLoss,
                "'d/l' -> '../../escaped'");
  // Harmless by its letters, but `a/b` is the root, so `a/b/..` is above it.
  ExpectRefused(
      TestTar().File("f", "x").Symlink("a/b", "..").Symlink("l", "a/b/../escaped").Finish(),
      Code::kDataLoss, "'l' -> 'a/b/../escaped'");
  ExpectRefused(TestTar().File("f", "x").Symlink("l", "").Finish(), Code::kDataLoss, "'l'");
  ExpectRefused(TestTar().File("f", "x").HardLink("h", "/etc/passwd").Finish(), Code::kDataLoss,
                "'h'");
  ExpectRefused(TestTar().File("f", "x").HardLink("h", "../escaped").Finish(), Code::kDataLoss,
                "'h'");
}

TEST_F(UnpackTest, RefusesLinksInCircles) {
  ExpectRefused(TestTar().File("f", "x").Symlink("a", "b").Symlink("b", "a").Finish(),
                Code::kDataLoss, "in circles");
}

TEST_F(UnpackTest, RefusesHardLinksToWhatIsNoEarlierFile) {
  ExpectRefused(TestTar().File("f", "x").HardLink("h", "later").File("later", "x").Finish(),
                Code::kDataLoss, "'h' is a hard link to 'later'");
  ExpectRefused(TestTar().File("f", "x").Folder("d").HardLink("h", "d").Finish(), Code::kDataLoss,
                "'h'");
}

TEST_F(UnpackTest, RefusesToWriteThroughAnEarlierLink) {
  ExpectRefused(TestTar().File("f", "x").Symlink("d", "..").File("d/escaped", "x").Finish(),
                Code::kDataLoss, "'d/escaped' goes through the link 'd'");
  ExpectRefused(TestTar().File("f", "x").Symlink("d", "e").File("d", "x").Finish(), Code::kDataLoss,
                "'d'");
  ExpectRefused(TestTar().File("f", "x").File("f/g", "x").Finish(), Code::kDataLoss,
                "'f/g' goes through the file 'f'");
  ExpectRefused(TestTar().File("d/f", "x").Symlink("d", ".").Finish(), Code::kDataLoss, "'d'");
}

TEST_F(UnpackTest, RefusesDevicesPipesAndTheLike) {
  for (const char type : {'3', '4', '6'}) {
    ExpectRefused(TestTar().File("f", "x").Header({.name = "dev", .type = type}).Finish(),
                  Code::kDataLoss, "'dev'");
  }
}

TEST_F(UnpackTest, RefusesNamesThatAreTooDeepOrStrange) {
  std::string deep;
  for (int i = 0; i < 49; ++i) deep += "d/";
  EXPECT_TRUE(Unpack(TestTar().File(deep + "f", "x").Finish()).has_value());
  ASSERT_TRUE(tier_->Delete(tier_->List()[0].digest).ok());
  ExpectRefused(TestTar().File("fine", "x").File("a\nb", "x").Finish(), Code::kDataLoss, "'a?b'");
}

TEST_F(UnpackTest, RefusesTooManyEntries) {
  TestTar tar;
  for (int i = 0; i < 501; ++i) tar.File(fmt::format("{}", i), "");
  ExpectRefused(tar.Finish(), Code::kResourceExhausted, "more than 500");
  TestTar again;  // one name over and over is no smaller a bomb
  for (int i = 0; i < 501; ++i) again.File("same", "");
  ExpectRefused(again.Finish(), Code::kResourceExhausted, "more than 500");
}

TEST_F(UnpackTest, StopsSizeBombsAtTheirBound) {
  const std::string bomb = Gzip(TestTar().File("zeros", std::string(30'000'000, '\0')).Finish());
  ASSERT_LT(bomb.size(), 1'000'000u);
  const auto artifact = Unpack(bomb, 20'000'000);
  ASSERT_FALSE(artifact.has_value());
  EXPECT_EQ(artifact.error().code(), Code::kResourceExhausted);
  EXPECT_THAT(artifact.error().message(), HasSubstr("'zeros'"));
  EXPECT_EQ(tier_->used_bytes(), 0u);
}

TEST_F(UnpackTest, StopsBombsBehindTheEndOfTheArchive) {
  const std::string tar = TestTar().File("f", "x").Finish() + std::string(40'000'000, '\0');
  const auto artifact = Unpack(Gzip(tar), 1000);
  ASSERT_FALSE(artifact.has_value());
  EXPECT_EQ(artifact.error().code(), Code::kResourceExhausted);
}

TEST_F(UnpackTest, NoticesEveryTruncation) {
  const std::string tar = TestTar().File("a", Noise(700, 1)).File("b", Noise(1500, 2)).Finish();
  // A tar may end behind its last entry's padding and still lose nothing but the end mark's second
  // half; anything shorter is truncated.
  const size_t whole = tar.size() - 512;
  for (size_t length = 1; length < whole; length += 97) {
    const auto artifact = Unpack(tar.substr(0, length));
    ASSERT_FALSE(artifact.has_value()) << length;
    EXPECT_EQ(artifact.error().code(), Code::kDataLoss) << artifact.error().ToString();
  }
  for (size_t length = 512; length < whole; length += 512) {
    EXPECT_FALSE(Unpack(tar.substr(0, length)).has_value()) << length;
  }
  for (const std::string& packed : {Gzip(tar), Zstd(tar)}) {
    for (size_t length = 1; length < packed.size(); length += 61) {
      const auto artifact = Unpack(packed.substr(0, length));
      ASSERT_FALSE(artifact.has_value()) << length;
      EXPECT_EQ(artifact.error().code(), Code::kDataLoss) << artifact.error().ToString();
    }
    EXPECT_FALSE(Unpack(packed.substr(0, packed.size() - 1)).has_value());
  }
  EXPECT_TRUE(Unpack(tar).has_value());
}

TEST_F(UnpackTest, NoticesAFlippedBit) {
  std::string gzip = Gzip(TestTar().File("a", Noise(5000, 1)).Finish());
  gzip[gzip.size() / 2] ^= 1;
  ExpectRefused(gzip, Code::kDataLoss, "");
  std::string tar = TestTar().File("a", "x").File("b", "y").Finish();
  tar[1024 + 3] ^= 1;  // in the second header
  ExpectRefused(tar, Code::kDataLoss, "corrupt");
}

TEST_F(UnpackTest, SaysWhatAnObjectIsThatIsNoArchive) {
  EXPECT_THAT(Unpack("").error().message(), HasSubstr("not one byte"));
  EXPECT_THAT(Unpack("PK\x03\x04 and so on").error().message(), HasSubstr("a zip archive"));
  EXPECT_THAT(Unpack(Noise(2000, 5)).error().message(), HasSubstr("is no .tar"));
  EXPECT_THAT(Unpack(Gzip("just text")).error().message(), HasSubstr("is no .tar"));
  EXPECT_THAT(Unpack(Gzip("just text") + "garbage").error().message(), HasSubstr("not gzip"));
  EXPECT_EQ(Unpack("x").error().code(), Code::kDataLoss);
  ExpectRefused(TestTar().Folder("only/folders").Finish(), Code::kDataLoss, "holds no file");
  ExpectRefused(TestTar().Finish(), Code::kDataLoss, "holds no file");
}

}  // namespace
}  // namespace sarai::store
