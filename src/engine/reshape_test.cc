#include "engine/reshape.h"

#include <gtest/gtest.h>

namespace sarai::engine {
namespace {

TEST(FitsDims, TakesAnySizeForVariableDimensionsOnly) {
  EXPECT_TRUE(FitsDims(Shape{-1, 3}, Shape{7, 3}));
  EXPECT_TRUE(FitsDims(Shape{-1}, Shape{0}));
  EXPECT_TRUE(FitsDims(Shape{}, Shape{}));
  EXPECT_FALSE(FitsDims(Shape{-1, 3}, Shape{7, 4}));
  EXPECT_FALSE(FitsDims(Shape{-1, 3}, Shape{7}));
  EXPECT_FALSE(FitsDims(Shape{-1}, Shape{-1}));
}

TEST(Reshaped, KeepsTheOrderOfVariableDimensions) {
  struct Row {
    Shape from, actual, to, expected;  // empty `expected` and non-empty `to`: refused
  };
  const std::vector<Row> table = {
      {{4, 2}, {4, 2}, {8}, {8}},
      {{1}, {1}, {}, {}},
      {{-1, 2}, {5, 2}, {2, -1}, {2, 5}},
      {{-1, 4}, {5, 4}, {-1, 2}, {10, 2}},
      {{-1, 3, -1}, {5, 3, 7}, {-1, -1, 3}, {5, 7, 3}},
      {{6}, {6}, {-1, 2}, {3, 2}},
      {{6}, {6}, {-1, 4}, {}},
      {{6}, {6}, {7}, {}},
      {{6}, {5}, {6}, {}},
      {{-1, -1}, {2, 3}, {2, -1, -1, -1}, {}},
      {{-1}, {4}, {-1, 0}, {}},
  };
  for (const Row& row : table) {
    const auto shape = Reshaped(row.from, row.actual, row.to);
    const bool refused = row.expected.empty() && !row.to.empty();
    EXPECT_EQ(shape.has_value(), !refused) << ShapeText(row.from) << " " << ShapeText(row.to);
    if (!refused && shape) {
      EXPECT_EQ(*shape, row.expected);
    }
  }
}

}  // namespace
}  // namespace sarai::engine
