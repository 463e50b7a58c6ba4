#include "engine/ragged.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/batch.h"
#include "engine/testing/test_values.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using Kind = BatchInputSpec::Kind;

// Two requests: a batch of one with three elements, a batch of two with one each.
std::vector<Pending> Requests() {
  std::vector<Pending> batch;
  batch.push_back(std::make_unique<PendingRequest>());
  batch.back()->inputs = {Floats("x", {1, 3}, {1, 2, 3})};
  batch.push_back(std::make_unique<PendingRequest>());
  batch.back()->inputs = {Floats("x", {2, 1}, {4, 5})};
  batch.back()->batch = 2;
  return batch;
}

ModelSpec Spec(Kind kind, DataType type = DataType::kInt32) {
  return {.name = "m",
          .max_batch_size = 8,
          .inputs = {{.name = "x", .type = DataType::kFp32, .dims = {-1}, .ragged = true}},
          .outputs = {{.name = "y", .type = DataType::kFp32, .dims = {-1}}},
          .batch_inputs = {{.kind = kind, .targets = {"i"}, .type = type, .source = "x"}},
          .batch_outputs = {{.targets = {"y"}, .source = "x"}}};
}

std::vector<int32_t> Ints(const Tensor& tensor) {
  std::vector<int32_t> values(tensor.data.size() / sizeof(int32_t));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

TEST(Ragged, InputsArePutEndToEndAndTheBatchIsDescribed) {
  const struct {
    Kind kind;
    Shape shape;
    std::vector<int32_t> values;
  } cases[] = {
      {Kind::kElementCount, {2}, {3, 2}},
      {Kind::kAccumulatedElementCount, {2}, {3, 5}},
      {Kind::kAccumulatedElementCountWithZero, {3}, {0, 3, 5}},
      {Kind::kMaxElementCountAsShape, {3}, {0, 0, 0}},
      {Kind::kItemShape, {3, 1}, {3, 1, 1}},
      {Kind::kItemShapeFlatten, {3}, {3, 1, 1}},
  };
  const auto batch = Requests();
  for (const auto& c : cases) {
    const auto joined = JoinInputs(Spec(c.kind), batch);
    ASSERT_TRUE(joined) << joined.error().message();
    ASSERT_THAT(*joined, SizeIs(2));
    EXPECT_THAT((*joined)[0].shape, ElementsAre(5));
    EXPECT_THAT(FloatsOf((*joined)[0]), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_EQ((*joined)[1].name, "i");
    EXPECT_EQ((*joined)[1].shape, c.shape);
    EXPECT_EQ(Ints((*joined)[1]), c.values);
  }
  const auto reals = JoinInputs(Spec(Kind::kElementCount, DataType::kFp32), batch);
  EXPECT_THAT(FloatsOf((*reals)[1]), ElementsAre(3, 2));
}

TEST(Ragged, AScatteredOutputIsCutByTheInputsShapes) {
  const auto batch = Requests();
  const auto parts =
      SplitOutputs(Spec(Kind::kElementCount), {Floats("y", {5}, {1, 2, 3, 4, 5})}, batch);
  ASSERT_TRUE(parts) << parts.error().message();
  EXPECT_THAT((*parts)[0][0].shape, ElementsAre(1, 3));
  EXPECT_THAT((*parts)[1][0].shape, ElementsAre(2, 1));
  EXPECT_THAT(FloatsOf((*parts)[1][0]), ElementsAre(4, 5));
  for (const int64_t wrong : {4, 6})
    EXPECT_EQ(SplitOutputs(Spec(Kind::kElementCount),
                           {Floats("y", {wrong}, std::vector<float>(wrong))}, batch)
                  .error()
                  .code(),
              Code::kInternal);
}

}  // namespace
}  // namespace sarai::engine
