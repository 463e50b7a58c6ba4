#include "instance/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "store/test_archive.h"

namespace sarai::instance {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CatalogTest : public testing::Test {
 protected:
  void MakeFolder(const std::string& name) { std::filesystem::create_directories(root.path(name)); }
  Catalog Open(const CatalogOptions& options) {
    auto catalog = Catalog::Open(options);
    EXPECT_TRUE(catalog) << catalog.error().message();
    return *catalog;
  }

  store::TestFolder root;
};

TEST_F(CatalogTest, FindsRepositoryFoldersBeforeTheSource) {
  MakeFolder("repository/resnet");
  const Catalog catalog =
      Open({.model_repositories = {root.path("repository")}, .source_url = "s3://bucket/models"});
  const auto folder = catalog.Find("resnet");
  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->kind, OriginKind::kRepository);
  EXPECT_EQ(folder->url, root.path("repository/resnet"));
  const auto object = catalog.Find("resnet_pt_v0.tar.gz");
  ASSERT_TRUE(object);
  EXPECT_EQ(object->kind, OriginKind::kSource);
  EXPECT_EQ(object->url, "s3://bucket/models/resnet_pt_v0.tar.gz");
  EXPECT_EQ(object->key, "models/resnet_pt_v0.tar.gz");
  EXPECT_FALSE(object->pinned);
}

TEST_F(CatalogTest, RefusesANameInTwoRepositories) {
  MakeFolder("a/resnet");
  MakeFolder("b/resnet");
  const Catalog catalog = Open({.model_repositories = {root.path("a"), root.path("b")}});
  const auto found = catalog.Find("resnet");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(found.error().message(), HasSubstr(root.path("b/resnet")));
  EXPECT_THAT(catalog.RepositoryModels(), ElementsAre("resnet"));
}

TEST_F(CatalogTest, NeverLeavesItsFolders) {
  MakeFolder("repository");
  MakeFolder("secret");
  const Catalog catalog = Open({.model_repositories = {root.path("repository")}});
  for (const char* name : {"..", ".", "../secret", "", "a/b", "x\ny"})
    EXPECT_FALSE(catalog.Find(name)) << name;
}

TEST_F(CatalogTest, ListsFoldersOnly) {
  MakeFolder("repository/b");
  MakeFolder("repository/a");
  MakeFolder("repository/.git");
  root.Write("repository/README.md", "not a model");
  const Catalog catalog = Open({.model_repositories = {root.path("repository")}});
  EXPECT_THAT(catalog.RepositoryModels(), ElementsAre("a", "b"));
  MakeFolder("repository/c");
  EXPECT_THAT(catalog.RepositoryModels(), ElementsAre("a", "b", "c"));
}

TEST_F(CatalogTest, ServesTheSingleModelUnderItsOwnNameOnly) {
  const Catalog catalog =
      Open({.source_url = "s3://bucket/models/only.tar.gz", .single_model = true});
  EXPECT_EQ(catalog.single_model(), "only.tar.gz");
  const auto found = catalog.Find("only.tar.gz");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->key, "models/only.tar.gz");
  EXPECT_TRUE(found->pinned);
  EXPECT_FALSE(catalog.Find("other.tar.gz"));
}

TEST_F(CatalogTest, ServesASingleLocalFolderWhereItLies) {
  MakeFolder("model/1");
  const Catalog catalog = Open({.source_url = root.path("model") + "/", .single_model = true});
  const auto found = catalog.Find("model");
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->kind, OriginKind::kLocal);
  EXPECT_TRUE(found->pinned);
}

TEST_F(CatalogTest, SaysWhichOptionIsWrong) {
  EXPECT_FALSE(Catalog::Open({.model_repositories = {root.path("none")}}));
  EXPECT_FALSE(Catalog::Open({.source_url = "gopher://x"}));
}

}  // namespace
}  // namespace sarai::instance
