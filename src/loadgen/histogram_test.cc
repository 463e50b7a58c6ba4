#include "loadgen/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "loadgen/random.h"

namespace sarai::loadgen {
namespace {

using std::chrono::milliseconds;

TEST(Histogram, AnEmptyOneIsAllZero) {
  const Histogram histogram;
  EXPECT_EQ(histogram.Percentile(0.5), Duration(0));
  EXPECT_EQ(histogram.mean(), Duration(0));
  EXPECT_EQ(histogram.min(), Duration(0));
  EXPECT_TRUE(histogram.Cumulative().empty());
}

TEST(Histogram, PercentilesAreOffByNoMoreThanThePrecisionSays) {
  for (const int precision : {4, 5, 9}) {
    Random random(1);
    Histogram histogram(precision);
    std::vector<int64_t> values;
    for (int i = 0; i < 50'000; ++i) {
      values.push_back(static_cast<int64_t>(std::exp(random.Unit() * 25)));  // 1 ns to 72 s
      histogram.Record(Duration(values.back()));
    }
    std::ranges::sort(values);
    const double bound = std::pow(2.0, -(precision + 1));
    for (const double fraction : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 1.0}) {
      const auto rank = static_cast<size_t>(std::ceil(fraction * 50'000 - 1e-9)) - 1;
      const auto exact = static_cast<double>(values[rank]);
      EXPECT_NEAR(static_cast<double>(histogram.Percentile(fraction).count()), exact,
                  exact * bound + 1)
          << precision << " " << fraction;
    }
    EXPECT_EQ(histogram.min().count(), values.front());
    EXPECT_EQ(histogram.max().count(), values.back());
  }
}

TEST(Histogram, NegativeDurationsCountAsNone) {
  Histogram histogram;
  histogram.Record(Duration(-5));
  EXPECT_EQ(histogram.max(), Duration(0));
  EXPECT_EQ(histogram.count(), 1u);
}

TEST(Histogram, TwoMergedAreLikeOneThatSawBoth) {
  Histogram a, b, both;
  for (int i = 1; i <= 1000; ++i) {
    (i % 3 == 0 ? a : b).Record(Duration(i * 1000));
    both.Record(Duration(i * 1000));
  }
  a.Merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_EQ(a.sum(), both.sum());
  EXPECT_EQ(a.Cumulative(), both.Cumulative());
}

TEST(Histogram, TheCorrectionAddsTheRequestsThatAStallKeptFromBeingSent) {
  Histogram histogram;
  for (int i = 0; i < 100; ++i) histogram.RecordCorrected(milliseconds(1), milliseconds(10));
  EXPECT_EQ(histogram.count(), 100u);
  histogram.RecordCorrected(milliseconds(100), milliseconds(10));  // and 90, 80, … 10
  EXPECT_EQ(histogram.count(), 110u);
  EXPECT_EQ(histogram.sum(), milliseconds(100 * 1 + 550));
}

}  // namespace
}  // namespace sarai::loadgen
