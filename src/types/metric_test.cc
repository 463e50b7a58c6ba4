#include "types/metric.h"

#include <gtest/gtest.h>

namespace sarai {
namespace {

TEST(MetricSet, KeepsCountSumAndExtremes) {
  MetricSet set;
  for (const double value : {3.0, -1.0, 4.0}) set.Add(value);
  EXPECT_EQ(set.count, 3);
  EXPECT_EQ(set.sum, 6);
  EXPECT_EQ(set.min, -1);
  EXPECT_EQ(set.max, 4);
}

TEST(MetricSet, MergingIsTheSameAsHavingSeenAll) {
  MetricSet all, left, right;
  for (int i = 1; i <= 1000; ++i) {
    all.Add(i);
    (i % 3 == 0 ? left : right).Add(i);
  }
  left.Merge(right);
  left.Merge(MetricSet());
  EXPECT_EQ(left.count, all.count);
  EXPECT_EQ(left.sum, all.sum);
  EXPECT_EQ(left.max, all.max);
  EXPECT_EQ(left.bins.counts, all.bins.counts);
}

TEST(MetricSet, PercentilesAreOffByAtMostOnePercent) {
  MetricSet set;
  for (int i = 1; i <= 10'000; ++i) set.Add(i);
  for (const double percent : {1.0, 50.0, 90.0, 99.0, 99.9})
    EXPECT_NEAR(*set.Percentile(percent), percent * 100, percent * 100 * 0.011) << percent;
  EXPECT_EQ(set.Percentile(0), 1);
  EXPECT_EQ(set.Percentile(100), 10'000);
}

TEST(MetricSet, PercentilesOrderZerosAndNegativeValues) {
  MetricSet set;
  for (const double value : {-100.0, -10.0, 0.0, 10.0, 100.0}) set.Add(value);
  EXPECT_NEAR(*set.Percentile(20), -100, 1);
  EXPECT_NEAR(*set.Percentile(40), -10, 0.1);
  EXPECT_EQ(set.Percentile(60), 0);
}

TEST(MetricSet, AWholeSetHasAPercentileOnlyWhenAllItsValuesWereTheSame) {
  const MetricSet mixed{.count = 2, .sum = 3, .min = 1, .max = 2};
  const MetricSet same{.count = 2, .sum = 4, .min = 2, .max = 2};
  EXPECT_FALSE(mixed.Percentile(50));
  EXPECT_EQ(same.Percentile(50), 2);
  EXPECT_FALSE(MetricSet().Percentile(50));
}

TEST(MetricBins, EveryValueLiesInABinOfItsSize) {
  for (const double value : {1e-9, 0.001, 1.0, 37.0, 1e6, 6e7, 1e15, -2.5})
    EXPECT_NEAR(MetricBins::ValueOf(MetricBins::BinOf(value)) / value, 1, 0.0101) << value;
  for (const double value : {1e-300, 1e300, -1e300, 0.0 / 1.0})
    EXPECT_NO_FATAL_FAILURE(MetricBins::BinOf(value));
}

}  // namespace
}  // namespace sarai
