#include "store/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/entry_path.h"
#include "store/sha256.h"

namespace sarai::store {
namespace {

using ::testing::HasSubstr;

TEST(EntryPathTest, NormalizesHarmlessNames) {
  EXPECT_EQ(NormalizeEntryPath("./a//b/").value(), "a/b");
  EXPECT_EQ(NormalizeEntryPath("a/./b").value(), "a/b");
  EXPECT_EQ(NormalizeEntryPath("./").value(), "");
  EXPECT_EQ(NormalizeEntryPath("..a/b..").value(), "..a/b..");
}

TEST(EntryPathTest, RefusesWhatIsTooLongOrTooDeep) {
  std::string deep = "f";
  for (int i = 0; i < 63; ++i) deep = "d/" + deep;
  EXPECT_TRUE(NormalizeEntryPath(deep).has_value());
  EXPECT_FALSE(NormalizeEntryPath("d/" + deep).has_value());
  EXPECT_TRUE(NormalizeEntryPath(std::string(255, 'n')).has_value());
  EXPECT_FALSE(NormalizeEntryPath(std::string(256, 'n')).has_value());
  std::string wide;
  for (int i = 0; i < 17; ++i) wide += std::string(250, 'n') + '/';
  EXPECT_FALSE(NormalizeEntryPath(wide).has_value());
  EXPECT_FALSE(NormalizeEntryPath("").has_value());
  EXPECT_FALSE(NormalizeEntryPath(std::string_view("a\0b", 3)).has_value());
}

Manifest Example() {
  Manifest manifest(100);
  EXPECT_TRUE(manifest.AddFile("d/e/f", {Sha256Hex("f"), 1, true}).ok());
  EXPECT_TRUE(manifest.AddFile("a b", {Sha256Hex(""), 0, false}).ok());
  EXPECT_TRUE(manifest.AddSymlink("link", "d/e with space").ok());
  EXPECT_TRUE(manifest.AddFolder("empty").ok());
  return manifest;
}

TEST(ManifestTest, ComesBackFromItsText) {
  const Manifest manifest = Example();
  const auto parsed = Manifest::Parse(manifest.Text());
  ASSERT_TRUE(parsed.has_value()) << parsed.error().ToString();
  EXPECT_EQ(parsed->Text(), manifest.Text());
  EXPECT_EQ(parsed->Digest(), manifest.Digest());
  EXPECT_EQ(parsed->bytes(), 1u);
  EXPECT_EQ(parsed->entries().size(), 6u);  // with the two parents of d/e/f
}

TEST(ManifestTest, TheDigestDoesNotDependOnTheOrderOfEntries) {
  Manifest other(100);
  EXPECT_TRUE(other.AddFolder("empty").ok());
  EXPECT_TRUE(other.AddSymlink("link", "d/e with space").ok());
  EXPECT_TRUE(other.AddFolder("d").ok());
  EXPECT_TRUE(other.AddFile("a b", {Sha256Hex(""), 0, false}).ok());
  EXPECT_TRUE(other.AddFile("d/e/f", {Sha256Hex("f"), 1, true}).ok());
  EXPECT_EQ(other.Digest(), Example().Digest());
}

TEST(ManifestTest, RefusesTextThatIsCutShortOrStrange) {
  const std::string text = Example().Text();
  EXPECT_FALSE(Manifest::Parse("").has_value());
  EXPECT_FALSE(Manifest::Parse(text.substr(0, text.size() - 1)).has_value());
  EXPECT_FALSE(Manifest::Parse("sarai-manifest 2\n").has_value());
  EXPECT_FALSE(Manifest::Parse("sarai-manifest 1\nQ x\n").has_value());
  EXPECT_FALSE(Manifest::Parse("sarai-manifest 1\nF - -1 x y\n").has_value());
  EXPECT_FALSE(Manifest::Parse("sarai-manifest 1\nF - 1 abc y\n").has_value());
  EXPECT_FALSE(Manifest::Parse("sarai-manifest 1\nD \n").has_value());
}

TEST(ManifestTest, CountsTheFoldersThatNamesImply) {
  Manifest manifest(3);
  EXPECT_TRUE(manifest.AddFile("a/b/c", {}).ok());
  EXPECT_EQ(manifest.AddFile("d", {}).code(), Code::kResourceExhausted);
}

}  // namespace
}  // namespace sarai::store
