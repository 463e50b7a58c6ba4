#include "telemetry/decision_log.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <unistd.h>
#include <boost/json.hpp>

namespace sarai::telemetry {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Decision About(const std::string& model) {
  return {.kind = DecisionKind::kLoad, .model = model, .reason = "asked for"};
}

std::vector<uint64_t> Sequences(const std::vector<Decision>& decisions) {
  std::vector<uint64_t> result;
  for (const Decision& decision : decisions) result.push_back(decision.sequence);
  return result;
}

TEST(DecisionLogTest, NumbersWithoutGapsAndGivesThoseAfter) {
  DecisionLog log;
  EXPECT_EQ(log.Add(About("a")), 1u);
  EXPECT_EQ(log.Add(About("b")), 2u);
  EXPECT_EQ(log.Add(About("a")), 3u);
  EXPECT_THAT(Sequences(log.Since(0)), ElementsAre(1, 2, 3));
  EXPECT_THAT(Sequences(log.Since(1)), ElementsAre(2, 3));
  EXPECT_THAT(log.Since(3), IsEmpty());
  EXPECT_THAT(log.Since(~uint64_t{0}), IsEmpty());
}

TEST(DecisionLogTest, GivesOneModelsDecisions) {
  DecisionLog log;
  for (const char* model : {"a", "b", "a"}) log.Add(About(model));
  EXPECT_THAT(Sequences(log.Since(0, "a")), ElementsAre(1, 3));
  EXPECT_THAT(log.Since(0, "c"), IsEmpty());
}

TEST(DecisionLogTest, KeepsTheNewestUpToItsCapacity) {
  DecisionLog log(2);
  for (int i = 0; i < 5; ++i) log.Add(About("a"));
  EXPECT_THAT(Sequences(log.Since(0)), ElementsAre(4, 5));
  EXPECT_THAT(Sequences(log.Since(4)), ElementsAre(5));
}

TEST(DecisionLogTest, TwoThreadsNeverShareANumber) {
  DecisionLog log(20000);
  const auto add = [&] {
    for (int i = 0; i < 5000; ++i) log.Add(About("a"));
  };
  std::thread other(add);
  add();
  other.join();
  const auto all = log.Since(0);
  ASSERT_EQ(all.size(), 10000u);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].sequence, i + 1);
}

TEST(DecisionLogTest, LineIsJsonWhateverTheTextHolds) {
  Decision decision{.sequence = 7,
                    .at = WallTime{std::chrono::microseconds{1'700'000'000'000'042}},
                    .kind = DecisionKind::kEvict,
                    .model = "a \"b\"\\\n\x01.tar.gz",
                    .reason = "needs 5 MiB",
                    .numbers = {{"free_bytes", 5}, {"worth", 0.25}, {"odd", 1.0 / 0.0}}};
  const std::string line = DecisionJson(decision);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const boost::json::object json = boost::json::parse(line).as_object();
  EXPECT_EQ(json.at("sequence").to_number<int>(), 7);
  EXPECT_EQ(json.at("at").as_string(), "2023-11-14T22:13:20.000042Z");
  EXPECT_EQ(json.at("kind").as_string(), "evict");
  EXPECT_EQ(json.at("model").as_string(), decision.model);
  EXPECT_FALSE(json.contains("instance"));
  EXPECT_EQ(json.at("numbers").at("worth").to_number<double>(), 0.25);
  EXPECT_TRUE(json.at("numbers").at("odd").is_null());
}

TEST(DecisionLogTest, AppendsLinesToItsFileAcrossRestarts) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() /
                                     ("sarai-decisions-" + std::to_string(::getpid()) + ".jsonl");
  std::filesystem::remove(file);
  DecisionLog(10, file.string()).Add(About("a"));
  DecisionLog(10, file.string()).Add(About("b"));
  std::ifstream in(file);
  std::vector<std::string> models;
  for (std::string line; std::getline(in, line);) {
    models.emplace_back(boost::json::parse(line).at("model").as_string());
  }
  std::filesystem::remove(file);
  EXPECT_THAT(models, ElementsAre("a", "b"));
}

TEST(DecisionLogTest, WorksWithoutItsFileWhenThatCannotBeOpened) {
  DecisionLog log(10, "/nonexistent/decisions.jsonl");
  EXPECT_EQ(log.Add(About("a")), 1u);
}

}  // namespace
}  // namespace sarai::telemetry
