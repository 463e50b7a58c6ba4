#include "backends/common/framework_tensors.h"

#include <gtest/gtest.h>

#include "backends/test_support.h"

namespace sarai::backends {
namespace {

ModelSpec SpecWith(Shape dims, Shape reshape, int64_t max_batch_size) {
  ModelSpec spec = testing::MakeSpec(
      "m", {{.name = "x", .type = DataType::kFp32, .dims = std::move(dims)}}, {}, max_batch_size);
  spec.reshape["x"] = std::move(reshape);
  return spec;
}

struct ReshapeCase {
  Shape dims, reshape;
  int64_t max_batch_size;
  Shape tensor, expected;
};

TEST(FrameworkShape, AppliesTheReshapeBehindTheBatchDimension) {
  const ReshapeCase cases[] = {
      {{4}, {2, 2}, 8, {3, 4}, {3, 2, 2}},
      {{4}, {2, 2}, 0, {4}, {2, 2}},
      {{1}, {}, 8, {3, 1}, {3}},
      {{1}, {}, 0, {1}, {}},
      {{-1}, {2, -1}, 8, {3, 6}, {3, 2, 3}},
      {{-1, 2}, {-1, 1, 2}, 8, {3, 5, 2}, {3, 5, 1, 2}},
      {{-1, 2, -1}, {-1, -1, 2}, 0, {5, 2, 7}, {5, 7, 2}},
      {{4}, {2, 2}, 8, {3, 2, 2}, {3, 2, 2}},  // reshaped already
      {{-1}, {-1, 4}, 8, {3, 0}, {3, 0, 4}},
  };
  for (const ReshapeCase& c : cases) {
    const auto spec = SpecWith(c.dims, c.reshape, c.max_batch_size);
    const auto shape = FrameworkShape(spec, {.name = "x", .shape = c.tensor});
    ASSERT_TRUE(shape) << ShapeText(c.tensor) << ": " << shape.error().ToString();
    EXPECT_EQ(*shape, c.expected) << ShapeText(c.tensor);
  }
}

TEST(FrameworkShape, RefusesAReshapeOfAnotherSize) {
  const auto shape = FrameworkShape(SpecWith({4}, {3}, 8), {.name = "x", .shape = {2, 4}});
  ASSERT_FALSE(shape);
  EXPECT_EQ(shape.error().code(), Code::kInvalidArgument);
}

TEST(AlignedFor, CopiesOnlyWhatLiesBadly) {
  const Blob blob = Blob::FromVector(std::vector<std::byte>(64));
  EXPECT_EQ(AlignedFor(DataType::kFp64, blob).data(), blob.data());
  const Blob odd = blob.Slice(1, 8);
  EXPECT_NE(AlignedFor(DataType::kFp64, odd).data(), odd.data());
  EXPECT_EQ(AlignedFor(DataType::kUint8, odd).data(), odd.data());
}

}  // namespace
}  // namespace sarai::backends
