#include "policy/residency/victims.h"

#include <deque>

#include <gmock/gmock.h>

#include "policy/residency/worth.h"

namespace sarai::policy::residency {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class Victims : public testing::Test {
 protected:
  // A candidate whose eviction loses `loss`.
  void Offer(const std::string& id, Bytes bytes, double loss, int reluctance = 0) {
    models_.emplace_back(id, models_.size());
    candidates_.push_back({&models_.back(), bytes, loss / static_cast<double>(bytes), reluctance});
  }

  std::vector<std::string> Choose(Bytes missing, bool as_far_as_possible = false) {
    std::vector<std::string> ids;
    for (const Candidate& victim : ChooseVictims(candidates_, missing, as_far_as_possible)) {
      ids.push_back(victim.model->id);
    }
    return ids;
  }

  std::deque<Model> models_;
  std::vector<Candidate> candidates_;
};

TEST_F(Victims, NobodyGoesWhenAllTogetherAreTooFew) {
  Offer("a", 10, 1);
  Offer("b", 10, 1);
  EXPECT_THAT(Choose(21), IsEmpty());
  EXPECT_THAT(Choose(21, /*as_far_as_possible=*/true), UnorderedElementsAre("a", "b"));
}

TEST_F(Victims, TheLeastWorthByByteGoFirst) {
  Offer("dear", 10, 9);
  Offer("cheap", 10, 1);
  Offer("fair", 10, 3);
  EXPECT_THAT(Choose(15), ElementsAre("cheap", "fair"));
}

TEST_F(Victims, WhoeverIsNotNeededIsSpared) {
  Offer("small", 2, 0.1);
  Offer("half", 10, 1);
  Offer("other", 10, 1.1);
  EXPECT_THAT(Choose(20), UnorderedElementsAre("half", "other"));
}

TEST_F(Victims, OneModelIsTakenInsteadOfSeveralThatTogetherLoseMore) {
  Offer("a", 5, 1);
  Offer("b", 5, 1.1);
  Offer("c", 10, 2.05);
  EXPECT_THAT(Choose(10), ElementsAre("c"));
}

TEST_F(Victims, AmongEqualLossesTheFewestBytesGo) {
  Offer("large", 100, 1);
  Offer("small", 10, 1);
  EXPECT_THAT(Choose(10), ElementsAre("small"));
}

TEST_F(Victims, ReluctantOnesGoOnlyWhenTheOthersAreNotEnough) {
  Offer("reluctant", 10, 0, /*reluctance=*/1);
  Offer("willing", 10, 5);
  EXPECT_THAT(Choose(10), ElementsAre("willing"));
  EXPECT_THAT(Choose(20), UnorderedElementsAre("willing", "reluctant"));
}

TEST_F(Victims, WhoHoldsNothingIsNoVictim) {
  Offer("empty", 0, 0);
  Offer("a", 1, 5);
  EXPECT_THAT(Choose(1), ElementsAre("a"));
}

constexpr Duration kConstant = std::chrono::minutes(10);
constexpr TimePoint kNow{std::chrono::hours{10}};

TEST(ReuseTest, FirstRequestCountsLittleAndTheNextInFull) {
  Reuse reuse;
  reuse.Add(1, kNow, kConstant);
  EXPECT_DOUBLE_EQ(reuse.Score(kNow, kConstant), kFirstUse);
  reuse.Add(3, kNow, kConstant);
  EXPECT_DOUBLE_EQ(reuse.Score(kNow, kConstant), kFirstUse + 3);
}

TEST(ReuseTest, FadesToAThirdInItsTimeConstantAndIsForgottenInTheEnd) {
  Reuse reuse;
  reuse.Add(11, kNow, kConstant);
  EXPECT_NEAR(reuse.Score(kNow + kConstant, kConstant), 10.1 / 2.718281828, 1e-6);
  reuse.Add(1, kNow + 20 * kConstant, kConstant);
  EXPECT_NEAR(reuse.Score(kNow + 20 * kConstant, kConstant), kFirstUse, 1e-3);
}

TEST(ReuseTest, TimeThatRunsBackwardsDoesNoHarm) {
  Reuse reuse;
  reuse.Add(2, kNow, kConstant);
  reuse.Add(1, kNow - kConstant, kConstant);
  EXPECT_DOUBLE_EQ(reuse.Score(kNow - kConstant, kConstant), kFirstUse + 2);
}

TEST(WorthTest, GrowsWithReuseAndCostAndFallsWithBytes) {
  const Worth worth(ResidencyOptions{.churn_guard = Duration{0}});
  const auto value = [&](double requests, Duration load, Bytes bytes) {
    Model model("m", 0);
    model.state = ModelState::kReady;
    model.memory.bytes = bytes;
    model.load_time = load;
    model.reuse.Add(requests, kNow, kConstant);
    return worth.InMemory(model, kNow);
  };
  const double base = value(5, std::chrono::seconds(1), 1 << 20);
  EXPECT_GT(value(9, std::chrono::seconds(1), 1 << 20), base);
  EXPECT_DOUBLE_EQ(value(5, std::chrono::seconds(2), 1 << 20), 2 * base);
  EXPECT_DOUBLE_EQ(value(5, std::chrono::seconds(1), 2 << 20), base / 2);
}

TEST(WorthTest, FilesOfALoadedModelAreWorthItsLoadAsWell) {
  const Worth worth(ResidencyOptions{.churn_guard = Duration{0}});
  Model model("m", 0);
  model.disk.bytes = 1 << 30;
  model.fetch_time = std::chrono::seconds(2);
  model.load_time = std::chrono::seconds(1);
  model.reuse.Add(5, kNow, kConstant);
  model.state = ModelState::kOnDisk;
  const double on_disk = worth.OnDisk(model, kNow);
  model.state = ModelState::kReady;
  EXPECT_NEAR(worth.OnDisk(model, kNow), 1.5 * on_disk, 1e-9);
}

}  // namespace
}  // namespace sarai::policy::residency
