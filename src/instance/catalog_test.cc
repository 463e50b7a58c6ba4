#include "instance/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "store/test_archive.h"

namespace sarai::instance {
namespace {

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
  EXPECT_EQ(found.error().code(), Code::kNotFound);
  EXPECT_THAT(found.error().message(), HasSubstr("Request for unknown model: 'resnet'"));
  EXPECT_THAT(found.error().message(), HasSubstr(root.path("b/resnet")));
}

TEST_F(CatalogTest, NeverLeavesItsFolders) {
  MakeFolder("repository");
  MakeFolder("secret");
  const Catalog catalog = Open({.model_repositories = {root.path("repository")}});
  for (const char* name : {"..", ".", "../secret", "", "a/b", "x\ny"})
    EXPECT_FALSE(catalog.Find(name)) << name;
}

TEST_F(CatalogTest, LeadsToAllPlacesWhereOnlyStoresCanTellWhichItIs) {
  MakeFolder("local/resnet");
  const Catalog catalog = Open({.model_repositories = {root.path("local"), "s3://models/a",
                                                       "s3://http://host:9000/bucket"}});
  EXPECT_THAT(catalog.stores(), testing::SizeIs(2));
  EXPECT_EQ(catalog.stores().back().endpoint, "http://host:9000");
  const auto resnet = catalog.Find("resnet");
  ASSERT_TRUE(resnet);
  EXPECT_EQ(resnet->kind, OriginKind::kRepository);
  ASSERT_THAT(resnet->others, testing::SizeIs(2));
  EXPECT_EQ(resnet->others.front().url, "s3://models/a/resnet/");
  const auto other = catalog.Find("other");
  ASSERT_TRUE(other);
  EXPECT_EQ(other->kind, OriginKind::kSource);
  EXPECT_EQ(other->key, "a/other/");
  EXPECT_THAT(other->others, testing::SizeIs(1));
}

TEST_F(CatalogTest, KnowsWhoseArtifactsThoseOfAnEarlierRunAre) {
  const Catalog catalog =
      Open({.model_repositories = {"s3://models/a", "s3://http://host:1/bucket"}});
  const auto known = catalog.OriginOf("s3://http://host:1/bucket/resnet/");
  ASSERT_TRUE(known);
  EXPECT_EQ(known->first, "resnet");
  EXPECT_EQ(known->second.key, "resnet/");
  EXPECT_EQ(known->second.store, 1u);
  for (const char* url : {"s3://models/resnet/", "s3://models/a/resnet", "s3://models/a/x/y/"})
    EXPECT_FALSE(catalog.OriginOf(url)) << url;
  const Catalog source = Open({.source_url = "s3://bucket/models/"});
  EXPECT_EQ(source.OriginOf("s3://bucket/models/a.tar.gz")->first, "a.tar.gz");
  EXPECT_FALSE(source.OriginOf("s3://bucket/elsewhere/a.tar.gz"));
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
