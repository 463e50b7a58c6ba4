#include "engine/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/test_values.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelSpec TwoInputs() {
  return {.name = "m",
          .max_batch_size = 4,
          .inputs = {{"a", DataType::kFp32, {2}}, {"b", DataType::kFp32, {-1}, true}},
          .outputs = {{"y", DataType::kFp32, {2}}}};
}

InferRequest RequestWith(std::vector<Tensor> inputs) { return {.inputs = std::move(inputs)}; }

std::string Refusal(const ModelSpec& spec, InferRequest request) {
  const auto checked = CheckRequest(spec, request);
  if (checked) return "accepted";
  EXPECT_EQ(checked.error().code(), Code::kInvalidArgument);
  return checked.error().message();
}

TEST(CheckRequest, PutsInputsInTheOrderOfTheSpecAndFindsTheBatch) {
  InferRequest request =
      RequestWith({Floats("b", {3, 1}, {7, 8, 9}), Floats("a", {3, 2}, {1, 2, 3, 4, 5, 6})});
  const auto checked = CheckRequest(TwoInputs(), request);
  ASSERT_TRUE(checked);
  ASSERT_EQ(checked->tensors.size(), 2u);
  EXPECT_EQ(checked->tensors[0].name, "a");
  EXPECT_EQ(checked->tensors[1].name, "b");
  EXPECT_EQ(checked->batch, 3);
}

TEST(CheckRequest, LeavesOutOptionalInputs) {
  InferRequest request = RequestWith({Floats("a", {1, 2}, {1, 2})});
  const auto checked = CheckRequest(TwoInputs(), request);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->tensors.size(), 1u);
}

TEST(CheckRequest, GivesEqualKeysToWhatMayShareABatch) {
  const auto key = [](std::vector<Tensor> inputs) {
    InferRequest request = RequestWith(std::move(inputs));
    return CheckRequest(TwoInputs(), request)->shape_key;
  };
  const auto a = [](int64_t batch) {
    return Floats("a", {batch, 2}, std::vector<float>(static_cast<size_t>(batch) * 2));
  };
  EXPECT_EQ(key({a(1)}), key({a(3)}));
  EXPECT_NE(key({a(1)}), key({a(1), Floats("b", {1, 1}, {1})}));
  EXPECT_NE(key({a(1), Floats("b", {1, 2}, {1, 2})}), key({a(1), Floats("b", {1, 1}, {1})}));
}

TEST(CheckRequest, SaysWhatWasExpectedAndWhatCame) {
  const ModelSpec spec = TwoInputs();
  const Tensor a = Floats("a", {1, 2}, {1, 2});
  Tensor wrong_type = a;
  wrong_type.type = DataType::kInt32;
  Tensor no_type = a;
  no_type.type = DataType::kInvalid;
  const auto shape = [](const std::string& got) {
    return "unexpected shape for input 'a' for model 'm'. Expected [-1,2], got " + got +
           ". The first dimension counts the batch's items";
  };
  const std::vector<std::pair<InferRequest, std::string>> table = {
      {RequestWith({}),
       "expected number of inputs between 1 and 2 but got 0 inputs for model 'm'. Got input(s) "
       "[], but missing required input(s) ['a']. Please provide all required input(s)."},
      {RequestWith({Floats("b", {1, 1}, {1})}),
       "expected number of inputs between 1 and 2 but got 1 inputs for model 'm'. Got input(s) "
       "['b'], but missing required input(s) ['a']. Please provide all required input(s)."},
      {RequestWith({a, a}), "input 'a' already exists in request"},
      {RequestWith({a, Floats("c", {1}, {1})}),
       "unexpected inference input 'c' for model 'm': its inputs are 'a', 'b'"},
      {RequestWith({wrong_type}),
       "inference input 'a' data-type is 'INT32', but model 'm' expects 'FP32'"},
      {RequestWith({no_type}),
       "inference input 'a' data-type is 'INVALID', but model 'm' expects 'FP32'"},
      {RequestWith({Floats("a", {1, 3}, {1, 2, 3})}), shape("[1,3]")},
      {RequestWith({Floats("a", {2}, {1, 2})}), shape("[2]")},
      {RequestWith({Floats("a", {}, {1})}), shape("[]")},
      {RequestWith({Floats("a", {-1, 2}, {1, 2})}), shape("[-1,2]")},
      {RequestWith({Floats("a", {0, 2}, {})}),
       "inference request batch-size must be <= 4 for 'm' and 1 at least, but input 'a' has 0"},
      {RequestWith({Floats("a", {5, 2}, std::vector<float>(10))}),
       "inference request batch-size must be <= 4 for 'm' and 1 at least, but input 'a' has 5"},
      {RequestWith({a, Floats("b", {2, 1}, {1, 2})}),
       "input 'b' batch size does not match other inputs for 'm': it is 2, not 1"},
      {RequestWith({Floats("a", {1, 2}, {1})}),
       "input byte size mismatch for input 'a' for model 'm'. Expected 8, got 4: the data of FP32 "
       "of shape [1,2]"},
      {{.inputs = {a}, .outputs = {{.name = "z"}}},
       "unexpected inference output 'z' for model 'm': its outputs are 'y'"},
      {{.inputs = {a}, .outputs = {{.name = "y"}, {.name = "y"}}},
       "output 'y' already exists in request"},
  };
  for (const auto& [request, expected] : table) EXPECT_EQ(Refusal(spec, request), expected);
}

TEST(CheckRequest, TakesScalarsAndZeroSizesOfModelsWithoutBatching) {
  ModelSpec spec{.name = "m", .inputs = {{"s", DataType::kFp32, {}}, {"v", DataType::kFp32, {-1}}}};
  InferRequest request = RequestWith({Floats("s", {}, {1}), Floats("v", {0}, {})});
  const auto checked = CheckRequest(spec, request);
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->batch, 1);
}

TEST(CheckRequest, ShapesInputsAsTheFrameworkSeesThem) {
  ModelSpec spec = TwoInputs();
  spec.reshape = {{"a", {2, 1}}, {"b", {-1, 1}}};
  InferRequest request = RequestWith({Floats("a", {1, 2}, {1, 2}), Floats("b", {1, 3}, {1, 2, 3})});
  const auto checked = CheckRequest(spec, request);
  ASSERT_TRUE(checked);
  EXPECT_THAT(checked->tensors[0].shape, ElementsAre(1, 2, 1));
  EXPECT_THAT(checked->tensors[1].shape, ElementsAre(1, 3, 1));
}

// --- one raw body --------------------------------------------------------------------------------

Result<CheckedInputs> CheckRaw(const ModelSpec& spec, Blob body) {
  InferRequest request = RequestWith({Tensor{.data = std::move(body)}});
  request.raw_input = true;
  return CheckRequest(spec, request);
}

ModelSpec OneInput(DataType type, Shape dims, int64_t max_batch_size) {
  return {.name = "m", .max_batch_size = max_batch_size, .inputs = {{"x", type, std::move(dims)}}};
}

TEST(CheckRequest, DeducesTheOneVariableDimensionOfARawBody) {
  const auto checked =
      CheckRaw(OneInput(DataType::kFp32, {-1, 2}, 8), Blob::FromString(std::string(24, 'x')));
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->tensors[0].name, "x");
  EXPECT_EQ(checked->tensors[0].type, DataType::kFp32);
  EXPECT_THAT(checked->tensors[0].shape, ElementsAre(1, 3, 2));
}

TEST(CheckRequest, TakesARawBodyOfStringsAsOneElement) {
  const auto checked = CheckRaw(OneInput(DataType::kBytes, {-1}, 0), Blob::FromString("hello"));
  ASSERT_TRUE(checked);
  EXPECT_THAT(checked->tensors[0].shape, ElementsAre(1));
  EXPECT_THAT(TextsOf(checked->tensors[0]), ElementsAre("hello"));
}

TEST(CheckRequest, RefusesRawBodiesThatDoNotFit) {
  const std::vector<std::tuple<ModelSpec, size_t, std::string>> table = {
      {OneInput(DataType::kFp32, {2}, 0), 6, "6 bytes are no whole number of FP32 elements"},
      {OneInput(DataType::kFp32, {2}, 0), 12, "of type FP32 and shape [2] does not fit 3 elements"},
      {OneInput(DataType::kFp32, {-1, 2}, 0), 12, "shape [-1,2] does not fit 3 elements"},
      {OneInput(DataType::kFp32, {-1, -1}, 0), 8,
       "input 'x' can not be deduced because there are more than one variable-sized dimension"},
      {OneInput(DataType::kFp32, {-1, 0}, 0), 8, "does not fit 2 elements"},
      {OneInput(DataType::kBytes, {2}, 0), 5, "does not fit 1 elements"},
      {TwoInputs(), 8,
       "Raw request must only have 1 input (found 1) to be deduced but got 2 inputs in 'm'"},
  };
  for (const auto& [spec, size, expected] : table) {
    const auto checked = CheckRaw(spec, Blob::FromString(std::string(size, 'x')));
    ASSERT_FALSE(checked);
    EXPECT_THAT(checked.error().message(), HasSubstr(expected));
  }
}

}  // namespace
}  // namespace sarai::engine
