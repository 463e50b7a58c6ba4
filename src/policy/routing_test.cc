#include "policy/routing.h"

#include <array>
#include <map>

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace sarai::policy {
namespace {

using testing::HasSubstr;
using testing::Optional;

const RoutingOptions kOptions{.spill_in_flight = 4};

std::vector<InstanceView> Instances(int count) {
  std::vector<InstanceView> result;
  for (int i = 0; i < count; ++i) {
    result.push_back({.id = fmt::format("i-{}", i), .ready = true});
  }
  return result;
}

RouteChoice Pick(const std::vector<InstanceView>& instances, std::string_view model = "m",
                 const std::vector<std::string>& exclude = {}) {
  const auto choice = PickInstance(instances, model, exclude, kOptions);
  EXPECT_TRUE(choice.has_value());
  return choice.value_or(RouteChoice{instances.size(), ""});
}

TEST(Routing, NoReadyInstanceMeansNoChoice) {
  auto instances = Instances(2);
  instances[0].ready = instances[1].ready = false;
  EXPECT_FALSE(PickInstance(instances, "m", {}, kOptions));
  EXPECT_FALSE(PickInstance({}, "m", {}, kOptions));
}

TEST(Routing, ColdModelGoesHomeByHash) {
  const auto instances = Instances(5);
  const RouteChoice choice = Pick(instances);
  EXPECT_EQ(choice.reason, "home by hash");
  for (const auto& other : instances) {
    EXPECT_LE(RendezvousScore(other.id, "m"), RendezvousScore(instances[choice.index].id, "m"));
  }
}

TEST(Routing, RequestsOfASequenceGoToTheSameHolderHoweverBusyItIs) {
  auto instances = Instances(4);
  for (const size_t holder : {1, 3}) instances[holder].model_state = ModelState::kReady;
  std::map<size_t, int> chosen;
  for (int i = 0; i < 100; ++i) {
    const std::string sequence = fmt::format("sequence {}", i);
    const auto first = PickInstance(instances, "m", {}, kOptions, sequence);
    ASSERT_TRUE(first.has_value());
    auto busy = instances;
    busy[first->index].in_flight = busy[first->index].model_in_flight = 1000;
    EXPECT_EQ(PickInstance(busy, "m", {}, kOptions, sequence)->index, first->index);
    ++chosen[first->index];
  }
  EXPECT_EQ(chosen.size(), 2u);
  EXPECT_TRUE(chosen.contains(1) && chosen.contains(3));
}

TEST(Routing, HomeDoesNotDependOnTheOrderOfInstances) {
  auto instances = Instances(5);
  const std::string home = instances[Pick(instances).index].id;
  std::ranges::reverse(instances);
  EXPECT_EQ(instances[Pick(instances).index].id, home);
}

TEST(Routing, LosingAnInstanceMovesOnlyItsOwnModels) {
  const auto all = Instances(5);
  const std::vector<InstanceView> fewer(all.begin(), all.end() - 1);
  for (int i = 0; i < 500; ++i) {
    const std::string model = fmt::format("model-{}.tar.gz", i);
    const std::string before = all[Pick(all, model).index].id;
    if (before == "i-4") continue;
    EXPECT_EQ(fewer[Pick(fewer, model).index].id, before);
  }
}

TEST(Routing, HomesAreSpreadEvenly) {
  const auto instances = Instances(4);
  std::map<size_t, int> homes;
  for (int i = 0; i < 4000; ++i) ++homes[Pick(instances, fmt::format("model-{}.tar.gz", i)).index];
  for (const auto& [index, count] : homes)
    EXPECT_THAT(count, testing::AllOf(testing::Gt(850), testing::Lt(1150)));
}

TEST(Routing, ReadyWinsOverLoadingAndHome) {
  for (size_t ready = 0; ready < 3; ++ready) {
    auto instances = Instances(3);
    instances[(ready + 1) % 3].model_state = ModelState::kLoading;
    instances[ready].model_state = ModelState::kReady;
    EXPECT_EQ(Pick(instances).index, ready);
    EXPECT_EQ(Pick(instances).reason, "resident");
  }
}

TEST(Routing, LoadingWinsOverHome) {
  for (auto state : {ModelState::kFetching, ModelState::kLoading}) {
    for (size_t loading = 0; loading < 3; ++loading) {
      auto instances = Instances(3);
      instances[loading].model_state = state;
      EXPECT_EQ(Pick(instances).index, loading);
      EXPECT_EQ(Pick(instances).reason, "loading there");
    }
  }
}

TEST(Routing, HolderThatIsNotReadyToServeDoesNotCount) {
  auto instances = Instances(2);
  instances[0].model_state = ModelState::kReady;
  instances[0].ready = false;
  EXPECT_EQ(Pick(instances).index, 1u);
}

TEST(Routing, AmongSeveralHoldersTheLeastBusyServes) {
  auto instances = Instances(3);
  for (auto& instance : instances) instance.model_state = ModelState::kReady;
  instances[0].model_in_flight = 2;
  instances[1].model_in_flight = 1;
  instances[2].model_in_flight = 3;
  EXPECT_EQ(Pick(instances).index, 1u);
}

TEST(Routing, BusyHolderSpillsToTheNextChoiceByHash) {
  auto instances = Instances(3);
  instances[0].model_state = ModelState::kReady;
  instances[0].model_in_flight = instances[0].in_flight = 4;
  const RouteChoice choice = Pick(instances);
  const size_t next = RendezvousScore("i-1", "m") > RendezvousScore("i-2", "m") ? 1 : 2;
  EXPECT_EQ(choice.index, next);
  EXPECT_EQ(choice.reason, "spilled: 4 in flight on i-0");
}

TEST(Routing, DoesNotSpillBelowTheBoundNorToOneAsBusy) {
  auto instances = Instances(2);
  instances[0].model_state = ModelState::kReady;
  instances[0].model_in_flight = instances[0].in_flight = 3;
  EXPECT_EQ(Pick(instances).index, 0u);
  instances[0].model_in_flight = instances[0].in_flight = 9;
  instances[1].in_flight = 9;
  EXPECT_EQ(Pick(instances).index, 0u);
}

TEST(Routing, SpillsOnlyWhenEveryHolderIsBusy) {
  auto instances = Instances(3);
  instances[0].model_state = instances[1].model_state = ModelState::kReady;
  instances[0].model_in_flight = instances[0].in_flight = 9;
  instances[1].model_in_flight = instances[1].in_flight = 3;
  EXPECT_EQ(Pick(instances).index, 1u);
  instances[1].model_in_flight = instances[1].in_flight = 5;
  EXPECT_EQ(Pick(instances).index, 2u);
}

TEST(Routing, TriedInstancesAreSkipped) {
  const auto instances = Instances(3);
  const std::string home = instances[Pick(instances).index].id;
  const RouteChoice second = Pick(instances, "m", {home});
  EXPECT_NE(instances[second.index].id, home);
  EXPECT_THAT(second.reason, HasSubstr(home));
  EXPECT_FALSE(
      PickInstance(instances, "m", std::array<std::string, 3>{"i-0", "i-1", "i-2"}, kOptions));
}

TEST(Variants, ArePickedByWeight) {
  const std::vector<double> weights{1, 0, 3};
  EXPECT_THAT(PickVariant(weights, 0.0), Optional(0));
  EXPECT_THAT(PickVariant(weights, 0.24), Optional(0));
  EXPECT_THAT(PickVariant(weights, 0.26), Optional(2));
  EXPECT_THAT(PickVariant(weights, 0.999999), Optional(2));
  EXPECT_THAT(PickVariant(weights, 1.0), Optional(2)) << "rounding never picks a weight of 0";
}

TEST(Variants, WithoutAnyWeightNoneIsPicked) {
  EXPECT_FALSE(PickVariant({}, 0.5));
  EXPECT_FALSE(PickVariant(std::vector<double>{0, 0}, 0.5));
  EXPECT_THAT(PickVariant(std::vector<double>{-1, 2}, 0.0), Optional(1));
}

}  // namespace
}  // namespace sarai::policy
