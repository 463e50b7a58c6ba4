#include "engine/sequence/rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "engine/testing/test_values.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = SequenceControl::Kind;

template <typename T>
T As(const Tensor& tensor) {
  T value{};
  EXPECT_EQ(tensor.data.size(), sizeof(value));
  std::memcpy(&value, tensor.data.data(), std::min(sizeof(value), tensor.data.size()));
  return value;
}

ModelSpec WithControls(std::vector<SequenceControl> controls, int64_t max_batch_size = 4) {
  return {.max_batch_size = max_batch_size,
          .sequence = SequenceSpec{.controls = std::move(controls)}};
}

ModelSpec WithId(DataType type) {
  return WithControls({{.input = "ID", .kind = Kind::kCorrelationId, .type = type}});
}

Tensor IdTensor(DataType type, const CorrelationId& id) {
  std::vector<Tensor> inputs;
  AddControls(WithId(type), {}, id, 1, inputs);
  return inputs.at(0);
}

TEST(SequenceControls, HaveTheirOwnTypesAndValues) {
  const ModelSpec spec =
      WithControls({{.input = "S", .kind = Kind::kStart, .type = DataType::kInt32, .on = 7},
                    {.input = "E", .kind = Kind::kEnd, .type = DataType::kFp32, .off = -2},
                    {.input = "R", .kind = Kind::kReady, .type = DataType::kBool}});
  std::vector<Tensor> inputs;
  AddControls(spec, {.start = true}, uint64_t{5}, 1, inputs);
  ASSERT_EQ(inputs.size(), 3u);
  EXPECT_EQ(inputs[0].name, "S");
  EXPECT_THAT(inputs[0].shape, ElementsAre(1, 1));
  EXPECT_EQ(As<int32_t>(inputs[0]), 7);
  EXPECT_EQ(As<float>(inputs[1]), -2);
  EXPECT_EQ(As<uint8_t>(inputs[2]), 1);
}

TEST(SequenceControls, HaveOneDimensionWithoutBatching) {
  std::vector<Tensor> inputs;
  AddControls(WithControls({{.input = "S", .type = DataType::kInt32}}, 0), {}, uint64_t{5}, 1,
              inputs);
  EXPECT_THAT(inputs.at(0).shape, ElementsAre(1));
}

TEST(SequenceControls, TheIdComesInTheModelsType) {
  EXPECT_EQ(As<uint64_t>(IdTensor(DataType::kUint64, uint64_t{1} << 40)), uint64_t{1} << 40);
  EXPECT_EQ(As<int64_t>(IdTensor(DataType::kInt64, uint64_t{9})), 9);
  EXPECT_EQ(As<uint32_t>(IdTensor(DataType::kUint32, uint64_t{9})), 9u);
  EXPECT_EQ(As<int32_t>(IdTensor(DataType::kInt32, uint64_t{9})), 9);
  EXPECT_THAT(TextsOf(IdTensor(DataType::kBytes, "one")), ElementsAre("one"));
  EXPECT_THAT(TextsOf(IdTensor(DataType::kBytes, uint64_t{12})), ElementsAre("12"));
}

TEST(SequenceControls, ATextIsNoNumber) {
  EXPECT_TRUE(CheckCorrelationId(WithId(DataType::kBytes), "one").ok());
  EXPECT_TRUE(CheckCorrelationId(WithId(DataType::kInt32), uint64_t{1}).ok());
  const Status status = CheckCorrelationId(WithId(DataType::kInt32), "one");
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), AllOf(HasSubstr("'one'"), HasSubstr("'ID'"), HasSubstr("INT32")));
}

TEST(NullRow, IsZerosThatAreNotReady) {
  const ModelSpec spec =
      WithControls({{.input = "R", .kind = Kind::kReady, .type = DataType::kFp32}});
  PendingRequest like;
  like.inputs = {Floats("x", {1, 2}, {3, 4}), Texts("t", {1, 1}, {"hello"})};
  const Pending row = MakeNullRow(spec, like, {});
  EXPECT_TRUE(row->null_row);
  ASSERT_EQ(row->inputs.size(), 3u);
  EXPECT_THAT(FloatsOf(row->inputs[0]), ElementsAre(0, 0));
  EXPECT_THAT(TextsOf(row->inputs[1]), ElementsAre(""));
  EXPECT_EQ(As<float>(row->inputs[2]), 0);
}

ModelSpec WithState(SequenceState state, int64_t max_batch_size = 4) {
  return {.max_batch_size = max_batch_size, .sequence = SequenceSpec{.states = {std::move(state)}}};
}

TEST(InitialStates, AreZerosWithOneForVariableDims) {
  const auto states =
      InitialStates(WithState({.input = "s", .type = DataType::kFp32, .dims = {-1, 2}}));
  ASSERT_TRUE(states);
  EXPECT_THAT(states->at(0).shape, ElementsAre(1, 1, 2));
  EXPECT_THAT(FloatsOf(states->at(0)), ElementsAre(0, 0));
}

TEST(InitialStates, ComeFromAFile) {
  const TestFolder folder;
  const float values[] = {1.5F, 2.5F, 9.0F};
  folder.Write("s", {reinterpret_cast<const char*>(values), sizeof(values)});
  SequenceState state{.input = "s",
                      .type = DataType::kFp32,
                      .dims = {-1},
                      .initial_file = folder.path("s"),
                      .initial_dims = {2}};
  const auto states = InitialStates(WithState(state, 0));
  ASSERT_TRUE(states) << states.error().message();
  EXPECT_THAT(FloatsOf(states->at(0)), ElementsAre(1.5F, 2.5F));

  state.initial_dims = {4};
  const auto short_file = InitialStates(WithState(state, 0));
  ASSERT_FALSE(short_file);
  EXPECT_THAT(short_file.error().message(), AllOf(HasSubstr("state 's'"), HasSubstr("12 bytes")));
  state.initial_file = folder.path("none");
  EXPECT_EQ(InitialStates(WithState(state, 0)).error().code(), Code::kNotFound);
}

TEST(StepKey, TellsShapesOfStatesApart) {
  const Tensor one = Floats("s", {1, 1}, {0}), two = Floats("s", {1, 2}, {0, 0});
  EXPECT_EQ(StepKey(7, {&one, 1}), StepKey(7, {&one, 1}));
  EXPECT_NE(StepKey(7, {&one, 1}), StepKey(7, {&two, 1}));
  EXPECT_NE(StepKey(7, {&one, 1}), StepKey(8, {&one, 1}));
}

}  // namespace
}  // namespace sarai::engine
