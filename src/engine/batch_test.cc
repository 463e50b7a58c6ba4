#include "engine/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/test_values.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Pending MakeOne(std::vector<Tensor> inputs, int64_t batch, std::vector<std::string> outputs = {}) {
  auto pending = std::make_unique<PendingRequest>();
  pending->inputs = std::move(inputs);
  pending->batch = batch;
  for (std::string& name : outputs) pending->request.outputs.push_back({.name = std::move(name)});
  return pending;
}

template <typename... P>
std::vector<Pending> Batch(P... pending) {
  std::vector<Pending> batch;
  (batch.push_back(std::move(pending)), ...);
  return batch;
}

ModelSpec Spec() {
  return {.name = "m",
          .max_batch_size = 8,
          .outputs = {{"y", DataType::kFp32, {2}}, {"t", DataType::kBytes, {1}}}};
}

TEST(JoinInputs, HandsASingleRequestOnWithoutACopy) {
  const auto batch = Batch(MakeOne({Floats("x", {1, 2}, {1, 2})}, 1));
  const auto joined = JoinInputs(batch);
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->front().data.data(), batch.front()->inputs.front().data.data());
}

TEST(JoinInputs, PutsNumbersAndStringsOneAfterTheOther) {
  const auto batch =
      Batch(MakeOne({Floats("x", {1, 2}, {1, 2}), Texts("t", {1, 1}, {"a"})}, 1),
            MakeOne({Floats("x", {2, 2}, {3, 4, 5, 6}), Texts("t", {2, 1}, {"", "ccc"})}, 2));
  const auto joined = JoinInputs(batch);
  ASSERT_TRUE(joined);
  EXPECT_THAT((*joined)[0].shape, ElementsAre(3, 2));
  EXPECT_THAT(FloatsOf((*joined)[0]), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT((*joined)[1].shape, ElementsAre(3, 1));
  EXPECT_THAT(TextsOf((*joined)[1]), ElementsAre("a", "", "ccc"));
}

TEST(JoinInputs, RefusesShapesThatDoNotBelongTogether) {
  const auto batch =
      Batch(MakeOne({Floats("x", {1, 2}, {1, 2})}, 1), MakeOne({Floats("x", {1, 1}, {1})}, 1));
  EXPECT_FALSE(JoinInputs(batch));
}

TEST(WantedOutputs, AreAllAsSoonAsOneRequestNamesNone) {
  EXPECT_THAT(WantedOutputs(ModelSpec(), Batch(MakeOne({}, 1, {"y"}), MakeOne({}, 1, {"t", "y"}))),
              ElementsAre("y", "t"));
  EXPECT_THAT(WantedOutputs(ModelSpec(), Batch(MakeOne({}, 1, {"y"}), MakeOne({}, 1))),
              ElementsAre());
}

TEST(SplitOutputs, CutsAtTheRequestsBordersAndGivesEachWhatItWants) {
  const auto batch = Batch(MakeOne({}, 1), MakeOne({}, 2, {"t"}));
  const auto answers = SplitOutputs(
      Spec(), {Texts("t", {3, 1}, {"one", "", "three"}), Floats("y", {3, 2}, {1, 2, 3, 4, 5, 6})},
      batch);
  ASSERT_TRUE(answers) << answers.error().message();
  ASSERT_EQ((*answers)[0].size(), 2u);
  EXPECT_EQ((*answers)[0][0].name, "y");  // the spec's order
  EXPECT_THAT((*answers)[0][0].shape, ElementsAre(1, 2));
  EXPECT_THAT(FloatsOf((*answers)[0][0]), ElementsAre(1, 2));
  EXPECT_THAT(TextsOf((*answers)[0][1]), ElementsAre("one"));
  ASSERT_EQ((*answers)[1].size(), 1u);
  EXPECT_THAT((*answers)[1][0].shape, ElementsAre(2, 1));
  EXPECT_THAT(TextsOf((*answers)[1][0]), ElementsAre("", "three"));
}

TEST(SplitOutputs, AnswersInTheShapesThatUsersKnow) {
  ModelSpec spec = Spec();
  spec.outputs = {{"y", DataType::kFp32, {2, -1}}};
  spec.reshape = {{"y", {-1}}};
  const auto batch = Batch(MakeOne({}, 2));
  const auto answers = SplitOutputs(spec, {Floats("y", {2, 4}, std::vector<float>(8))}, batch);
  ASSERT_TRUE(answers) << answers.error().message();
  EXPECT_THAT((*answers)[0][0].shape, ElementsAre(2, 2, 2));
}

TEST(SplitOutputs, NamesModelAndOutputThatDoNotFit) {
  Tensor short_of_bytes = Floats("y", {2, 2}, {1});
  Tensor unknown_type = Floats("y", {2, 2}, {1, 2, 3, 4});
  unknown_type.type = DataType::kInvalid;
  Tensor torn = Texts("t", {2, 1}, {"a", "b"});
  torn.data = torn.data.Slice(0, torn.data.size() - 1);
  const Tensor y = Floats("y", {2, 2}, {1, 2, 3, 4});
  const std::vector<std::pair<std::vector<Tensor>, std::string>> table = {
      {{y}, "model 'm' did not answer its output 't'"},
      {{}, "model 'm' did not answer its output 'y'"},
      {{Floats("y", {1, 2}, {1, 2})},
       "output 'y' with shape [1,2], expected a first dimension of 2"},
      {{Floats("y", {}, {1})}, "output 'y' with shape [], expected a first dimension of 2"},
      {{Texts("y", {2, 1}, {"a", "b"})}, "output 'y' with type BYTES, expected FP32"},
      {{unknown_type}, "output 'y' with type INVALID"},
      {{short_of_bytes}, "output 'y' with bytes that do not fit"},
      {{y, torn}, "output 't' with bytes that do not fit"},
  };
  const auto batch = Batch(MakeOne({}, 1), MakeOne({}, 1));
  for (const auto& [outputs, expected] : table) {
    const auto answers = SplitOutputs(Spec(), outputs, batch);
    ASSERT_FALSE(answers);
    EXPECT_EQ(answers.error().code(), Code::kInternal);
    EXPECT_THAT(answers.error().message(), HasSubstr(expected));
  }
}

TEST(SplitOutputs, IgnoresWhatTheSpecDoesNotKnow) {
  ModelSpec spec = Spec();
  spec.outputs.pop_back();
  const auto batch = Batch(MakeOne({}, 2));
  const auto answers = SplitOutputs(
      spec, {Floats("hidden", {7}, std::vector<float>(7)), Floats("y", {2, 2}, {1, 2, 3, 4})},
      batch);
  ASSERT_TRUE(answers);
  EXPECT_EQ((*answers)[0].size(), 1u);
}

}  // namespace
}  // namespace sarai::engine
