#include "policy/short_runs.h"

#include <gtest/gtest.h>

namespace sarai::policy {
namespace {

using std::chrono::microseconds;

constexpr ShortRunLimits kLimits{.median_max = microseconds(200)};

void RunTimes(ShortRuns& runs, int times, int us, uint64_t bytes = 100) {
  for (int i = 0; i < times; ++i) runs.OnRun(microseconds(us), bytes);
}

constexpr int kRound = ShortRuns::kRunsSeen;

TEST(ShortRuns, AModelMustFirstBeKnown) {
  ShortRuns runs(kLimits);
  RunTimes(runs, kRound - 1, 10);
  EXPECT_FALSE(runs.Expects(100));
  RunTimes(runs, 1, 10);
  EXPECT_TRUE(runs.Expects(100));
}

TEST(ShortRuns, TheMedianDecidesAndOneFarLongerRun) {
  struct Row {
    int short_runs, us, long_runs, long_us;
    bool expected;
  };
  for (const Row& row :
       {Row{16, 199, 0, 0, true}, Row{16, 200, 0, 0, false}, Row{10, 50, 6, 700, true},
        Row{7, 50, 9, 700, false}, Row{15, 50, 1, 801, false}}) {
    ShortRuns runs(kLimits);
    RunTimes(runs, row.short_runs, row.us);
    RunTimes(runs, row.long_runs, row.long_us);
    EXPECT_EQ(runs.Expects(100), row.expected) << row.us << " " << row.long_us;
  }
}

TEST(ShortRuns, AfterALongRunARoundOfShortOnesIsNeeded) {
  ShortRuns runs(kLimits);
  RunTimes(runs, kRound, 10);
  RunTimes(runs, 1, 5000);
  EXPECT_FALSE(runs.Expects(100));
  RunTimes(runs, kRound - 1, 10);  // the long one is still among them
  EXPECT_FALSE(runs.Expects(100));
  RunTimes(runs, kRound, 10);
  EXPECT_TRUE(runs.Expects(100));
}

TEST(ShortRuns, AMuchLargerRequestGoesToTheLanes) {
  ShortRuns runs(kLimits);
  RunTimes(runs, kRound, 10, 100);
  EXPECT_TRUE(runs.Expects(200));
  EXPECT_FALSE(runs.Expects(202));
}

TEST(ShortRuns, WhereABatchWouldFormTheLanesDoIt) {
  ShortRunLimits limits = kLimits;
  limits.batches = true;
  ShortRuns runs(limits);
  RunTimes(runs, kRound, 50);
  TimePoint now{std::chrono::hours(1)};
  for (int i = 0; i < 100; ++i) runs.OnArrival(now += microseconds(100));
  EXPECT_TRUE(runs.Expects(100));
  for (int i = 0; i < 100; ++i) runs.OnArrival(now += microseconds(10));
  EXPECT_FALSE(runs.Expects(100));
}

TEST(ShortRuns, ZeroTurnsItOff) {
  ShortRuns runs({});
  RunTimes(runs, 10 * kRound, 0);
  EXPECT_FALSE(runs.Expects(0));
}

}  // namespace
}  // namespace sarai::policy
