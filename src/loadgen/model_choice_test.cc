#include "loadgen/model_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace sarai::loadgen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<double> Shares(ModelChoice choice, size_t models, int draws) {
  std::vector<double> shares(models);
  for (int i = 0; i < draws; ++i) shares[*choice.Next()] += 1.0 / draws;
  return shares;
}

TEST(ModelChoice, InTurn) {
  ModelChoice choice = ModelChoice::RoundRobin(3);
  for (const size_t expected : {0, 1, 2, 0, 1}) EXPECT_EQ(choice.Next(), expected);
}

TEST(ModelChoice, UniformIsEven) {
  for (const double share : Shares(ModelChoice::Uniform(10, 1), 10, 200'000))
    EXPECT_NEAR(share, 0.1, 0.005);
}

TEST(ModelChoice, ZipfsFrequenciesFallWithTheRank) {
  for (const double exponent : {0.7, 1.0, 1.32}) {
    double sum = 0;
    for (int k = 1; k <= 50; ++k) sum += std::pow(k, -exponent);
    const auto shares = Shares(ModelChoice::Zipf(50, exponent, 3), 50, 400'000);
    for (const int k : {1, 2, 5, 20, 50})
      EXPECT_NEAR(shares[k - 1], std::pow(k, -exponent) / sum, 0.003) << exponent << " " << k;
  }
}

TEST(ModelChoice, AListIsFollowedToItsEnd) {
  ModelChoice choice = ModelChoice::Listed({4, 4, 2});
  EXPECT_EQ(choice.Next(), 4u);
  EXPECT_EQ(choice.Next(), 4u);
  EXPECT_EQ(choice.Next(), 2u);
  EXPECT_EQ(choice.Next(), std::nullopt);
}

TEST(ExpandNames, ListsAndPatterns) {
  EXPECT_THAT(*ExpandNames("a, b"), ElementsAre("a", "b"));
  EXPECT_THAT(*ExpandNames("m-{8..11}"), ElementsAre("m-8", "m-9", "m-10", "m-11"));
  EXPECT_THAT(*ExpandNames("m{08..10}.tar.gz,x"),
              ElementsAre("m08.tar.gz", "m09.tar.gz", "m10.tar.gz", "x"));
}

TEST(ExpandNames, BadPatternsSayWhatAGoodOneIs) {
  for (const char* const bad : {"m-{3}", "m-{3..1}", "m-{a..b}", "m-{1..2", "", " , "})
    EXPECT_FALSE(ExpandNames(bad)) << bad;
  EXPECT_THAT(ExpandNames("m-{5..2}").error().message(), HasSubstr("model-{0..99}"));
  EXPECT_FALSE(ExpandNames("m-{0..99}", 99));
}

}  // namespace
}  // namespace sarai::loadgen
