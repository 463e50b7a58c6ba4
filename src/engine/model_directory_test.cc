#include "engine/model_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/test_values.h"

namespace sarai::engine {
namespace {

using testing::HasSubstr;

TEST(FindModelDirectory, ReadsTritonsLayout) {
  TestFolder folder;
  folder.Write("resnet/config.pbtxt", "");
  folder.Write("resnet/1/model.onnx", "");
  folder.Write("resnet/12/model.onnx", "");
  folder.MakeFolder("resnet/03");
  folder.MakeFolder("resnet/0");
  folder.MakeFolder("resnet/warmup");
  const auto found = FindModelDirectory(folder.path("resnet/"));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->root, folder.path("resnet"));
  EXPECT_EQ(found->folder_name, "resnet");
  EXPECT_EQ(found->config_file, folder.path("resnet/config.pbtxt"));
  const std::map<int64_t, std::string> versions = {{1, folder.path("resnet/1")},
                                                   {12, folder.path("resnet/12")}};
  EXPECT_EQ(found->versions, versions);
}

TEST(FindModelDirectory, LooksOneLevelDownAsArchivesAreUnpacked) {
  TestFolder folder;
  folder.Write("resnet/1/model.pt", "");
  folder.MakeFolder("__MACOSX/1");
  folder.MakeFolder(".cache/1");
  folder.Write("README.txt", "");
  const auto found = FindModelDirectory(folder.path());
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->folder_name, "resnet");
  EXPECT_EQ(found->config_file, "");
}

TEST(FindModelDirectory, TakesAFlatFolderForOneVersion) {
  TestFolder folder;
  folder.Write("flat/model.onnx", "");
  folder.Write("named/config.pbtxt", "");
  folder.Write("named/weights.bin", "");
  auto found = FindModelDirectory(folder.path("flat"));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->versions.at(1), folder.path("flat"));
  found = FindModelDirectory(folder.path("named"));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->versions.at(1), folder.path("named"));
}

TEST(FindModelDirectory, TakesAVersionFolderAsThatVersionOfItsParent) {
  TestFolder folder;
  folder.Write("resnet/3/model.onnx", "");
  const auto found = FindModelDirectory(folder.path("resnet/3"));
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->folder_name, "resnet");
  EXPECT_EQ(found->versions.begin()->first, 3);
}

TEST(FindModelDirectory, SaysWhatIsThereInstead) {
  TestFolder folder;
  folder.MakeFolder("empty");
  folder.Write("bare/config.pbtxt", "");
  folder.Write("two/a/1/model.onnx", "");
  folder.Write("two/b/1/model.onnx", "");
  folder.Write("deep/a/b/1/model.onnx", "");
  const std::vector<std::tuple<std::string, Code, std::string>> table = {
      {"none", Code::kNotFound, "no such model folder"},
      {"empty", Code::kNotFound, "it is empty"},
      {"bare", Code::kNotFound, "neither a version folder"},
      {"two", Code::kInvalidArgument, "holds 2 models (a, b)"},
      {"deep", Code::kNotFound, "it holds a"},
      {"two/a/1/model.onnx", Code::kNotFound, "no such model folder"},
  };
  for (const auto& [name, code, expected] : table) {
    const auto found = FindModelDirectory(folder.path(name));
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(found.error().code(), code);
    EXPECT_THAT(found.error().message(), HasSubstr(expected));
  }
}

TEST(ReadSmallFile, KeepsItsBound) {
  TestFolder folder;
  folder.Write("f", "12345");
  EXPECT_EQ(ReadSmallFile(folder.path("f"), 5).value(), "12345");
  EXPECT_EQ(ReadSmallFile(folder.path("f"), 4).error().code(), Code::kInvalidArgument);
  EXPECT_EQ(ReadSmallFile(folder.path(), 4).error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace sarai::engine
