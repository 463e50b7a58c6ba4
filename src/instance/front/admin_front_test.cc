#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "instance/testing/test_instance.h"

namespace sarai::instance {
namespace {

using testing::HasSubstr;

class AdminFrontTest : public testing::Test {
 protected:
  AdminFrontTest() {
    at.PutArchive("a.tar.gz", 1);
    at.Open();
  }
  int64_t FeedVersion() {
    return at.Call("GET", "/sarai/v1/residency").json().at("version").to_number<int64_t>();
  }

  TestInstance at;
};

TEST_F(AdminFrontTest, TheFeedAnswersWhenSomethingChanges) {
  const int64_t version = FeedVersion();
  auto watch = at.Begin("GET", fmt::format("/sarai/v1/residency?since={}&wait_ms=60000", version));
  ASSERT_EQ(at.Invoke("a.tar.gz").y(), 1);
  const auto feed = watch.get().json();
  EXPECT_GT(feed.at("version").to_number<int64_t>(), version);
  EXPECT_EQ(at.StateOf("a.tar.gz"), "ready");
}

TEST_F(AdminFrontTest, TheFeedAnswersAtOnceToWhoKnowsAnotherVersion) {
  EXPECT_EQ(at.Call("GET", "/sarai/v1/residency?since=999999&wait_ms=60000").status, 200);
}

TEST_F(AdminFrontTest, TheFeedAnswersWhenTheWaitEndsOrTheInstanceDrains) {
  const int64_t version = FeedVersion();
  const std::string target = fmt::format("/sarai/v1/residency?since={}&wait_ms=", version);
  EXPECT_EQ(at.Call("GET", target + "1").json().at("version").to_number<int64_t>(), version);
  auto watch = at.Begin("GET", target + "60000");
  at.core->BeginDrain();
  EXPECT_EQ(watch.get().status, 200);
}

TEST_F(AdminFrontTest, LoadsAndUnloadsBeforeAnybodyAsks) {
  EXPECT_EQ(at.Call("POST", "/sarai/v1/models/a.tar.gz/load").status, 200);
  EXPECT_EQ(at.Invoke("a.tar.gz").header("x-sarai-model-state"), "warm");
  EXPECT_EQ(at.Call("POST", "/sarai/v1/models/a.tar.gz/unload").status, 200);
  EXPECT_EQ(at.StatusNumber("loaded_model_count"), 0);
  EXPECT_EQ(at.Call("POST", "/sarai/v1/models/a.tar.gz/unload").status, 404);
  EXPECT_EQ(at.Invoke("a.tar.gz").header("x-sarai-model-state"), "cold");
  EXPECT_EQ(at.Call("POST", "/sarai/v1/models/none.tar.gz/load").status, 404);
}

TEST_F(AdminFrontTest, ReportsHowLongThingsTook) {
  at.Invoke("a.tar.gz");
  at.Call("POST", "/sarai/v1/models/a.tar.gz/unload");
  const auto log = at.Call("GET", "/sarai/v1/events").json();
  std::string kinds;
  for (const auto& event : log.at("events").as_array()) {
    kinds += std::string(event.at("kind").as_string()) + " ";
    EXPECT_EQ(event.at("model").as_string(), "a.tar.gz");
    EXPECT_GE(event.at("microseconds").to_number<int64_t>(), 0);
  }
  EXPECT_EQ(kinds, "fetch load unload ");
  const auto next = log.at("next").to_number<int64_t>();
  const auto later = at.Call("GET", fmt::format("/sarai/v1/events?since={}", next)).json();
  EXPECT_TRUE(later.at("events").as_array().empty());
  EXPECT_EQ(later.at("next").to_number<int64_t>(), next);
}

TEST_F(AdminFrontTest, ExplainsAModelInJsonAndInWords) {
  at.Invoke("a.tar.gz");
  const auto json = at.Call("GET", "/sarai/v1/explain?model=a.tar.gz").json();
  EXPECT_EQ(json.at("state").as_string(), "ready");
  EXPECT_EQ(json.at("origin").as_string(), "source");
  EXPECT_EQ(json.at("loads").to_number<int>(), 1);
  EXPECT_GT(json.at("disk_bytes").to_number<int64_t>(), 0);
  EXPECT_FALSE(json.at("history").as_array().empty());
  const Reply words = at.Call("GET", "/sarai/v1/explain?model=a.tar.gz&format=text");
  EXPECT_THAT(words.body, HasSubstr("a.tar.gz on test-1"));
  EXPECT_THAT(words.body, HasSubstr("ready"));
  EXPECT_EQ(at.Call("GET", "/sarai/v1/explain").status, 400);
}

TEST_F(AdminFrontTest, TellsItsStatus) {
  at.core->Start();
  at.Invoke("a.tar.gz");
  const auto status = at.Status();
  EXPECT_EQ(status.at("instance").as_string(), "test-1");
  EXPECT_TRUE(status.at("ready").as_bool());
  EXPECT_EQ(status.at("loaded_model_count").to_number<int>(), 1);
  EXPECT_TRUE(Eventually([&] { return at.StatusNumber("resident_bytes") > 0; }));
}

}  // namespace
}  // namespace sarai::instance
