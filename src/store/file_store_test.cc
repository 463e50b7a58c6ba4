#include "store/file_store.h"

#include <sys/stat.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/disk_tier.h"
#include "store/test_archive.h"

namespace sarai::store {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FileStoreTest : public ::testing::Test {
 protected:
  std::vector<std::string> Keys(const std::string& prefix, bool by_folder = false) {
    const auto page = store_.List(folder_.path(prefix), by_folder, "");
    EXPECT_TRUE(page.has_value()) << page.error().ToString();
    std::vector<std::string> keys;
    for (const ObjectInfo& object : page->objects) {
      keys.push_back(object.key.substr(folder_.path().size() + 1));
    }
    return keys;
  }

  TestFolder folder_;
  FileStore store_;
};

TEST_F(FileStoreTest, ReadsAFileWhole) {
  const std::string bytes = Noise(3'000'000, 1);
  folder_.Write("f", bytes);
  const auto info = store_.Head(folder_.path("f"));
  ASSERT_TRUE(info.has_value()) << info.error().ToString();
  EXPECT_EQ(info->size, bytes.size());
  std::string read;
  EXPECT_TRUE(store_
                  .Get(*info,
                       [&](std::span<const std::byte> piece) {
                         read.append(reinterpret_cast<const char*>(piece.data()), piece.size());
                         return Status();
                       })
                  .ok());
  EXPECT_TRUE(read == bytes);
}

TEST_F(FileStoreTest, TheTagChangesWithEveryKindOfChange) {
  folder_.Write("f", "aaaa");
  const std::string path = folder_.path("f");
  const std::string first = store_.Head(path)->etag;
  EXPECT_EQ(store_.Head(path)->etag, first);
  const fs::file_time_type time = fs::last_write_time(path);
  fs::last_write_time(path, time + std::chrono::nanoseconds(1000));
  const std::string touched = store_.Head(path)->etag;
  EXPECT_NE(touched, first);
  folder_.Write("new", "bbbb");
  fs::last_write_time(folder_.path("new"), fs::last_write_time(path));
  fs::rename(folder_.path("new"), path);
  EXPECT_NE(store_.Head(path)->etag, touched);
}

TEST_F(FileStoreTest, NoticesAChangeBeforeAndDuringTheReading) {
  folder_.Write("f", std::string(5'000'000, 'a'));
  const std::string path = folder_.path("f");
  const auto info = store_.Head(path);
  const Status during = store_.Get(*info, [&](std::span<const std::byte>) {
    fs::resize_file(path, 4'000'000);
    return Status();
  });
  EXPECT_EQ(during.code(), Code::kFailedPrecondition);
  const Status before = store_.Get(*info, [](std::span<const std::byte>) { return Status(); });
  EXPECT_EQ(before.code(), Code::kFailedPrecondition);
  EXPECT_THAT(before.message(), HasSubstr("changed while it was read"));
}

TEST_F(FileStoreTest, AFileReplacedByRenameWhileItIsReadStaysTheOldVersion) {
  folder_.Write("f", std::string(3'000'000, 'a'));
  folder_.Write("new", std::string(3'000'000, 'b'));
  std::string read;
  const Status status = store_.Get(*store_.Head(folder_.path("f")), [&](auto piece) {
    if (read.empty()) fs::rename(folder_.path("new"), folder_.path("f"));
    read.append(reinterpret_cast<const char*>(piece.data()), piece.size());
    return Status();
  });
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(read.find('b'), std::string::npos);
}

TEST_F(FileStoreTest, WhatIsNoFileIsNotFound) {
  folder_.Write("d/f", "x");
  ASSERT_EQ(::mkfifo(folder_.path("pipe").c_str(), 0600), 0);
  for (const char* name : {"missing", "d", "pipe", "d/f/g"}) {
    const auto info = store_.Head(folder_.path(name));
    ASSERT_FALSE(info.has_value()) << name;
    EXPECT_EQ(info.error().code(), Code::kNotFound);
    EXPECT_THAT(info.error().message(), HasSubstr(folder_.path(name)));
  }
}

TEST_F(FileStoreTest, ListsByPrefixAndByFolder) {
  for (const char* name : {"m/a.tar", "m/ab/c", "m/ab/d/e", "m/b", "n/x"}) folder_.Write(name, "x");
  fs::create_directory_symlink(folder_.path("m"), folder_.path("m/loop"));
  fs::create_symlink("a.tar", folder_.path("m/link"));
  fs::create_symlink("nowhere", folder_.path("m/dangling"));
  EXPECT_THAT(Keys("m/"), ElementsAre("m/a.tar", "m/ab/c", "m/ab/d/e", "m/b", "m/link"));
  EXPECT_THAT(Keys("m/a"), ElementsAre("m/a.tar", "m/ab/c", "m/ab/d/e"));
  EXPECT_THAT(Keys("m/ab/d"), ElementsAre("m/ab/d/e"));
  EXPECT_THAT(Keys("m/", true), ElementsAre("m/a.tar", "m/b", "m/link"));
  EXPECT_THAT(store_.List(folder_.path("m/"), true, "")->prefixes,
              ElementsAre(folder_.path("m/ab/")));
  EXPECT_THAT(Keys("m/zzz"), IsEmpty());
  EXPECT_EQ(store_.List(folder_.path("q/"), false, "").error().code(), Code::kNotFound);
}

TEST_F(FileStoreTest, ListsPageByPage) {
  for (int i = 0; i < 1001; ++i) folder_.Write(fmt::format("p/{:04}", i), "");
  const auto first = store_.List(folder_.path("p/"), false, "");
  EXPECT_EQ(first->objects.size(), 1000u);
  const auto second = store_.List(folder_.path("p/"), false, first->continuation);
  ASSERT_EQ(second->objects.size(), 1u);
  EXPECT_EQ(second->objects[0].key, folder_.path("p/1000"));
  EXPECT_TRUE(second->continuation.empty());
}

TEST_F(FileStoreTest, ExactlyOnePageHasNoContinuation) {
  for (int i = 0; i < 1000; ++i) folder_.Write(fmt::format("p/{:04}", i), "");
  EXPECT_TRUE(store_.List(folder_.path("p/"), false, "")->continuation.empty());
}

TEST_F(FileStoreTest, FoldersAndArchivesComeThroughToTheDiskTier) {
  folder_.Write("repo/m/1/model.onnx", "weights");
  folder_.Write("m.tar.gz", Gzip(TestTar().File("m/1/model.onnx", "weights").Finish()));
  auto tier = DiskTier::Open({.directory = folder_.path("tier")});
  const auto loose = (*tier)->FetchFolder(store_, folder_.path("repo/"), "file://repo", 0);
  const auto packed =
      (*tier)->Fetch(store_, *store_.Head(folder_.path("m.tar.gz")), "file://m.tar.gz", 0);
  ASSERT_TRUE(loose && packed);
  EXPECT_EQ(loose->digest, packed->digest);
}

}  // namespace
}  // namespace sarai::store
