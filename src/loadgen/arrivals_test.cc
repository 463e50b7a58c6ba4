#include "loadgen/arrivals.h"

#include <gtest/gtest.h>

#include <cmath>
#include <queue>

#include "loadgen/histogram.h"

namespace sarai::loadgen {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Arrivals, AConstantRateIsEvenAndDoesNotDrift) {
  Arrivals arrivals = Arrivals::Constant(400);
  EXPECT_EQ(arrivals.Next(), Duration(0));
  EXPECT_EQ(arrivals.Next(), std::chrono::microseconds(2500));
  for (int i = 2; i < 4000; ++i) (void)arrivals.Next();
  EXPECT_EQ(arrivals.Next(), seconds(10));
}

TEST(Arrivals, PoissonGapsHaveTheMeanAndTheSpreadOfTheirRate) {
  Arrivals arrivals = Arrivals::Poisson(1000, 7);
  constexpr int kCount = 200'000;
  double previous = 0, sum = 0, squares = 0;
  int short_gaps = 0;
  for (int i = 0; i < kCount; ++i) {
    const double at = std::chrono::duration<double>(*arrivals.Next()).count();
    const double gap = (at - previous) * 1000;  // in mean gaps
    ASSERT_GE(gap, 0);
    sum += gap;
    squares += gap * gap;
    short_gaps += gap < 1 ? 1 : 0;
    previous = at;
  }
  const double mean = sum / kCount;
  EXPECT_NEAR(mean, 1, 0.01);
  EXPECT_NEAR(std::sqrt(squares / kCount - mean * mean), 1, 0.02);  // exponential
  EXPECT_NEAR(static_cast<double>(short_gaps) / kCount, 1 - std::exp(-1), 0.01);
}

TEST(Arrivals, TheSameSeedGivesTheSameTimes) {
  Arrivals a = Arrivals::Poisson(10, 3), b = Arrivals::Poisson(10, 3), c = Arrivals::Poisson(10, 4);
  EXPECT_EQ(a.Next(), b.Next());
  EXPECT_NE(a.Next(), c.Next());
}

TEST(Arrivals, ATracesTimesPassFasterAndEnd) {
  Arrivals arrivals = Arrivals::Listed({Duration(0), seconds(1), seconds(4)}, 2);
  EXPECT_EQ(arrivals.Next(), Duration(0));
  EXPECT_EQ(arrivals.Next(), milliseconds(500));
  EXPECT_EQ(arrivals.Next(), seconds(2));
  EXPECT_EQ(arrivals.Next(), std::nullopt);
}

TEST(Pacer, GivesWhatIsDueAndNothingAtOrAfterTheHorizon) {
  Pacer pacer(Arrivals::Constant(10), 100, milliseconds(300));
  EXPECT_EQ(pacer.NextAt(), Duration(0));
  EXPECT_EQ(pacer.Take(milliseconds(150), 0)->intended, Duration(0));
  EXPECT_EQ(pacer.Take(milliseconds(150), 0)->intended, milliseconds(100));
  EXPECT_FALSE(pacer.Take(milliseconds(150), 0));  // the third is due at 200
  EXPECT_EQ(pacer.Take(seconds(9), 0)->intended, milliseconds(200));
  EXPECT_EQ(pacer.NextAt(), std::nullopt);
  EXPECT_FALSE(pacer.Take(seconds(9), 0));
}

TEST(Pacer, WhatIsDueWhileTooManyAreUnderWayIsCountedNotPutOff) {
  Pacer pacer(Arrivals::Constant(10), 2, seconds(1));
  EXPECT_FALSE(pacer.Take(seconds(0), 1)->refused);
  EXPECT_TRUE(pacer.Take(milliseconds(100), 2)->refused);
  const auto next = pacer.Take(milliseconds(200), 1);
  EXPECT_FALSE(next->refused);
  EXPECT_EQ(next->intended, milliseconds(200));
}

// A server with one place that takes 1 ms a request, and stands still from second 2 to second 3.
// Coordinated omission would hide the stall: one late answer among thousands of quick ones.
TEST(Pacer, AServerThatStallsShowsInTheLatenciesOfAllWhoWouldHaveWaited) {
  Pacer pacer(Arrivals::Constant(100), 100'000, seconds(10));
  Histogram from_due, from_begin;
  Duration free_at{0};
  while (const auto due = pacer.NextAt()) {
    const auto taken = pacer.Take(*due, 0);
    ASSERT_TRUE(taken);
    Duration begin = std::max(taken->intended, free_at);
    if (begin >= seconds(2) && begin < seconds(3)) begin = seconds(3);
    free_at = begin + milliseconds(1);
    from_due.Record(free_at - taken->intended);
    from_begin.Record(free_at - begin);
  }
  EXPECT_EQ(from_due.count(), 1000u);
  EXPECT_LT(from_begin.Percentile(0.999), milliseconds(2));  // what a closed loop would report
  // A tenth of all were due in the stall, and waited half a second on average.
  EXPECT_GT(from_due.Percentile(0.95), milliseconds(400));
  EXPECT_GT(from_due.Percentile(0.99), milliseconds(900));
  EXPECT_LT(from_due.Percentile(0.85), milliseconds(2));
}

}  // namespace
}  // namespace sarai::loadgen
