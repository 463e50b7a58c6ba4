// S3Store against a real S3 server.
#include "store/s3_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/disk_tier.h"
#include "store/folder.h"
#include "store/open_store.h"
#include "store/test_archive.h"
#include "store/test_s3_server.h"

namespace sarai::store {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

constexpr char kBucket[] = "models";

class S3StoreTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = TestS3Server::Start();
    if (server_) server_->MakeBucket(kBucket);
  }
  static void TearDownTestSuite() { server_.reset(); }

  void SetUp() override {
    if (!server_) GTEST_SKIP() << "there is no S3 server at " SARAI_VERSITYGW ": run ./dev setup";
    store_ = Open(kBucket, server_->environment());
  }

  std::shared_ptr<ObjectStore> Open(const std::string& bucket, const Environment& environment,
                                    S3Options options = {.part_bytes = 4u << 20}) {
    auto store = OpenObjectStore({.scheme = "s3", .bucket = bucket}, options, environment, clock_);
    EXPECT_TRUE(store.has_value()) << store.error().ToString();
    return store.value_or(nullptr);
  }

  static Result<std::string> Read(ObjectStore& store, const ObjectInfo& info) {
    std::string text;
    SARAI_CHECK_OK(store.Get(info, [&](std::span<const std::byte> bytes) {
      text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return Status();
    }));
    return text;
  }

  static std::unique_ptr<TestS3Server> server_;
  RealClock clock_;
  std::shared_ptr<ObjectStore> store_;
};

std::unique_ptr<TestS3Server> S3StoreTest::server_;

TEST_F(S3StoreTest, ReadsALargeObjectInParallelRangesByteForByte) {
  const std::string bytes = Noise(50'000'001, 1);
  server_->PutObject(kBucket, "large", bytes);
  const auto info = store_->Head("large");
  ASSERT_TRUE(info.has_value()) << info.error().ToString();
  EXPECT_EQ(info->size, bytes.size());
  const auto read = Read(*store_, *info);
  ASSERT_TRUE(read.has_value()) << read.error().ToString();
  EXPECT_TRUE(*read == bytes);
}

TEST_F(S3StoreTest, ReadsObjectsAroundThePartSize) {
  const auto store = Open(kBucket, server_->environment(), {.part_bytes = 100});
  for (const size_t size : {0, 1, 99, 100, 101, 200, 1000}) {
    server_->PutObject(kBucket, "sized", Noise(size, 7));
    const auto info = store->Head("sized");
    ASSERT_TRUE(info.has_value()) << info.error().ToString();
    EXPECT_EQ(info->size, size);
    EXPECT_EQ(Read(*store, *info).value_or("error"), Noise(size, 7)) << size;
  }
}

TEST_F(S3StoreTest, RefusesAnObjectThatWasOverwrittenSinceHead) {
  server_->PutObject(kBucket, "changing", "first version");
  const auto info = store_->Head("changing");
  server_->PutObject(kBucket, "changing", "other version");
  const auto read = Read(*store_, *info);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code(), Code::kFailedPrecondition);
  EXPECT_THAT(read.error().message(), HasSubstr("changed while it was read"));
}

TEST_F(S3StoreTest, NeverMixesPartsOfTwoVersions) {
  const auto store =
      Open(kBucket, server_->environment(), {.part_bytes = 1000, .max_parallel_parts = 2});
  server_->PutObject(kBucket, "mixed", std::string(100'000, 'a'));
  const auto info = store->Head("mixed");
  std::string text;
  const Status status = store->Get(*info, [&](std::span<const std::byte> bytes) {
    if (text.empty()) server_->PutObject(kBucket, "mixed", std::string(100'000, 'b'));
    text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return Status();
  });
  EXPECT_EQ(status.code(), Code::kFailedPrecondition);
  EXPECT_EQ(text.find('b'), std::string::npos);
}

TEST_F(S3StoreTest, AMissingKeyOrBucketIsNotFoundAndNamed) {
  const auto key = store_->Head("no/such key");
  ASSERT_FALSE(key.has_value());
  EXPECT_EQ(key.error().code(), Code::kNotFound);
  EXPECT_THAT(key.error().message(), HasSubstr("s3://models/no/such key"));
  const auto bucket = Open("no-such-bucket", server_->environment())->List("", false, "");
  ASSERT_FALSE(bucket.has_value());
  EXPECT_EQ(bucket.error().code(), Code::kNotFound);
  EXPECT_THAT(bucket.error().message(), HasSubstr("no-such-bucket"));
}

TEST_F(S3StoreTest, WrongCredentialsAreToldFromMissingObjects) {
  server_->PutObject(kBucket, "there", "x");
  Environment environment = server_->environment();
  environment["AWS_SECRET_ACCESS_KEY"] = "wrong";
  const auto head = Open(kBucket, environment)->Head("there");
  ASSERT_FALSE(head.has_value());
  EXPECT_EQ(head.error().code(), Code::kPermissionDenied);
  EXPECT_THAT(head.error().message(), HasSubstr("SignatureDoesNotMatch"));
  const auto list = Open(kBucket, environment)->List("", false, "");
  ASSERT_FALSE(list.has_value());
  EXPECT_EQ(list.error().code(), Code::kPermissionDenied);
}

TEST_F(S3StoreTest, ListsPageByPageInOrder) {
  for (int i = 0; i < 1003; ++i) {
    server_->PutObject(kBucket, fmt::format("pages/{:04}", i), fmt::format("{}", i));
  }
  const auto first = store_->List("pages/", false, "");
  ASSERT_TRUE(first.has_value()) << first.error().ToString();
  EXPECT_EQ(first->objects.size(), 1000u);
  ASSERT_FALSE(first->continuation.empty());
  const auto second = store_->List("pages/", false, first->continuation);
  ASSERT_TRUE(second.has_value()) << second.error().ToString();
  ASSERT_EQ(second->objects.size(), 3u);
  EXPECT_TRUE(second->continuation.empty());
  EXPECT_EQ(second->objects[2].key, "pages/1002");
  EXPECT_EQ(second->objects[2].size, 4u);
  EXPECT_EQ(second->objects[2].etag, store_->Head("pages/1002")->etag);
}

TEST_F(S3StoreTest, ListsOneLevelByFolder) {
  for (const char* key : {"tree/a/1", "tree/a/2", "tree/b/1", "tree/file"}) {
    server_->PutObject(kBucket, key, "x");
  }
  const auto page = store_->List("tree/", true, "");
  ASSERT_TRUE(page.has_value()) << page.error().ToString();
  EXPECT_THAT(page->prefixes, ElementsAre("tree/a/", "tree/b/"));
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "tree/file");
}

TEST_F(S3StoreTest, TakesKeysWithSpacesPlusesAndUnicodeLiterally) {
  const std::vector<std::string> keys = {"odd/a b",       "odd/a+b",
                                         "odd/a%20b",     "odd/モデル-ü.tar.gz",
                                         "odd/a&b=c?d#e", "odd/'(x)!*~$,;:@"};
  for (const std::string& key : keys) {
    server_->PutObject(kBucket, key, "contents of " + key);
    const auto info = store_->Head(key);
    ASSERT_TRUE(info.has_value()) << info.error().ToString();
    EXPECT_EQ(Read(*store_, *info).value_or("error"), "contents of " + key);
  }
  const auto page = store_->List("odd/", false, "");
  ASSERT_TRUE(page.has_value()) << page.error().ToString();
  std::vector<std::string> listed;
  for (const ObjectInfo& object : page->objects) listed.push_back(object.key);
  EXPECT_THAT(listed, ::testing::UnorderedElementsAreArray(keys));
  const auto narrow = store_->List("odd/a b", false, "");
  ASSERT_EQ(narrow->objects.size(), 1u);
}

TEST_F(S3StoreTest, AServerThatIsDownIsUnavailable) {
  Environment environment = server_->environment();
  environment["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:1";
  const auto head = Open(kBucket, environment, {.max_attempts = 1})->Head("x");
  ASSERT_FALSE(head.has_value());
  EXPECT_EQ(head.error().code(), Code::kUnavailable);
  EXPECT_THAT(head.error().message(), HasSubstr("http://127.0.0.1:1"));
}

TEST_F(S3StoreTest, ASinkThatFailsEndsTheTransferWithItsError) {
  server_->PutObject(kBucket, "sunk", Noise(100'000, 3));
  const auto store = Open(kBucket, server_->environment(), {.part_bytes = 1000});
  const Status status = store->Get(*store->Head("sunk"), [](std::span<const std::byte>) {
    return Status(Code::kResourceExhausted, "the disk is full");
  });
  EXPECT_EQ(status.code(), Code::kResourceExhausted);
  EXPECT_EQ(status.message(), "the disk is full");
}

TEST_F(S3StoreTest, ArtifactsAndFoldersComeThroughToTheDiskTier) {
  TestFolder folder;
  auto tier = DiskTier::Open({.directory = folder.path("tier")});
  ASSERT_TRUE(tier.has_value());
  const std::string weights = Noise(9'000'000, 4);
  server_->PutObject(kBucket, "mme/m.tar.gz",
                     Gzip(TestTar().File("m/1/model.onnx", weights).Finish()));
  server_->PutObject(kBucket, "loose/m/1/model.onnx", weights);
  const auto artifact =
      (*tier)->Fetch(*store_, *store_->Head("mme/m.tar.gz"), "s3://models/mme/m.tar.gz", 0);
  ASSERT_TRUE(artifact.has_value()) << artifact.error().ToString();
  EXPECT_EQ(ReadAll(artifact->directory + "/m/1/model.onnx"), weights);
  const auto loose = (*tier)->FetchFolder(*store_, "loose/", "s3://models/loose/", 0);
  ASSERT_TRUE(loose.has_value()) << loose.error().ToString();
  EXPECT_EQ(loose->digest, artifact->digest);
  EXPECT_EQ((*tier)->used_bytes(), weights.size());
}

}  // namespace
}  // namespace sarai::store
