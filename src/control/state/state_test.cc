#include <SQLiteCpp/SQLiteCpp.h>

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/scratch_directory.h"
#include "control/state/database.h"
#include "control/state/state.h"

namespace sarai::control {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

class StateTest : public testing::Test {
 protected:
  std::unique_ptr<State> Open() {
    auto state = State::Open(path_);
    EXPECT_TRUE(state) << state.error().ToString();
    return state ? std::move(*state) : nullptr;
  }

  ScratchDirectory directory_;
  const std::string path_ = (directory_.path() / "control.db").string();
};

EndpointRecord Demo() {
  EndpointRecord record{.name = "demo",
                        .arn = "arn:demo",
                        .status = EndpointStatus::kUpdating,
                        .failure_reason = "it did not",
                        .created = WallTime(std::chrono::microseconds(1)),
                        .modified = WallTime(std::chrono::microseconds(2))};
  DeployedVariant variant{.name = "AllTraffic",
                          .model_name = "m",
                          .image = "img",
                          .instance_type = "ml.c5.large",
                          .source_url = "s3://b/p/",
                          .multi_model = true,
                          .environment = {{"A", "1"}},
                          .start_timeout_seconds = 60,
                          .volume_gib = 5,
                          .weight = 0.5,
                          .instances = {"demo-AllTraffic-1"}};
  record.current = Deployment{"config", WallTime(std::chrono::microseconds(3)), {variant}};
  variant.instances = {"demo-AllTraffic-2", "demo-AllTraffic-3"};
  record.pending = Deployment{"config2", WallTime(std::chrono::microseconds(4)), {variant}};
  record.deployment_config = {{"RollingUpdatePolicy", json::Object{{"a", 1}}}};
  return record;
}

TEST_F(StateTest, EndpointsComeBackAsTheyWere) {
  ASSERT_TRUE(Open()->endpoints.Put(Demo()).ok());
  const auto state = Open();
  const EndpointRecord* const found = state->endpoints.Find("demo");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(EncodeEndpoint(*found), EncodeEndpoint(Demo()));
  ASSERT_TRUE(state->endpoints.Remove("demo").ok());
  EXPECT_THAT(state->endpoints.all(), IsEmpty());
  EXPECT_THAT(Open()->endpoints.all(), IsEmpty());
}

TEST_F(StateTest, InstanceIdsAreNeverGivenTwice) {
  EXPECT_THAT(*Open()->endpoints.NewInstanceIds("demo", "All", 2),
              ElementsAre("demo-All-1", "demo-All-2"));
  const auto state = Open();
  EXPECT_THAT(*state->endpoints.NewInstanceIds("demo", "All", 1), ElementsAre("demo-All-3"));
  EXPECT_THAT(*state->endpoints.NewInstanceIds("a-b", "c", 1), ElementsAre("a-b-c-1"));
  EXPECT_THAT(*state->endpoints.NewInstanceIds("a", "b-c", 1), ElementsAre("a-b-c-2"));
}

TEST_F(StateTest, ResourcesAreUniqueWithoutCase) {
  const auto state = Open();
  const Resource resource{"Model", "arn:model", WallTime(), {{"ModelName", "Model"}}};
  EXPECT_TRUE(state->models.Insert(resource).ok());
  Resource same = resource;
  same.name = "mODEL";
  EXPECT_EQ(state->models.Insert(same).code(), Code::kAlreadyExists);
  const auto found = state->models.Find("Model");
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->request, resource.request);
  EXPECT_FALSE(state->endpoint_configs.Find("Model")->has_value());
  EXPECT_TRUE(*state->models.Remove("Model"));
  EXPECT_FALSE(*state->models.Remove("Model"));
}

TEST_F(StateTest, ATransactionThatFailsChangesNothing) {
  const auto state = Open();
  const Status status = state->InTransaction([&]() -> Status {
    SARAI_CHECK_OK(state->models.Insert({"m", "arn:m", WallTime(), {}}));
    return MakeStatus(Code::kInternal, "no");
  });
  EXPECT_EQ(status.message(), "no");
  EXPECT_FALSE(state->models.Find("m")->has_value());
}

TEST_F(StateTest, TagsBelongToAnArn) {
  const auto state = Open();
  ASSERT_TRUE(state->tags.Set("arn:a", {{"k", "1"}, {"l", "2"}}).ok());
  ASSERT_TRUE(state->tags.Set("arn:a", {{"k", "3"}}).ok());
  ASSERT_TRUE(state->tags.Remove("arn:a", {"l", "unknown"}).ok());
  EXPECT_THAT(*state->tags.Of("arn:a"), ElementsAre(Pair("k", "3")));
  ASSERT_TRUE(state->tags.RemoveAll("arn:a").ok());
  EXPECT_THAT(*state->tags.Of("arn:a"), IsEmpty());
}

TEST_F(StateTest, AStateOfANewerProgramIsRefused) {
  Open();
  SQLite::Database(path_, SQLite::OPEN_READWRITE).exec("UPDATE schema_version SET version = 99");
  const auto state = State::Open(path_);
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message(), HasSubstr("newer"));
  EXPECT_THAT(state.error().message(), HasSubstr(path_));
}

TEST_F(StateTest, AFileThatIsNoDatabaseIsRefused) {
  std::ofstream(path_) << std::string(5000, 'x');
  const auto state = State::Open(path_);
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code(), Code::kDataLoss);
}

TEST_F(StateTest, ARecordThatCanNotBeReadStopsTheStart) {
  Open();
  SQLite::Database(path_, SQLite::OPEN_READWRITE)
      .exec("INSERT INTO endpoints VALUES ('demo', '{\"name\":\"demo\"}')");
  const auto state = State::Open(path_);
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error().message(), HasSubstr("'arn' is missing"));
}

}  // namespace
}  // namespace sarai::control
