#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/modelconfig/testing/configs.h"

namespace sarai::modelconfig {
namespace {

using inference::ModelConfig;
using testing::ElementsAre;
using testing::HasSubstr;

ModelConfig With(std::string_view sequence, std::string_view more = "") {
  return Config(fmt::format(R"(
    name: "m" backend: "onnxruntime" max_batch_size: 8
    input {{ name: "x" data_type: TYPE_INT32 dims: [1] }}
    output {{ name: "y" data_type: TYPE_INT32 dims: [1] }}
    sequence_batching {{ {} }} {})",
                            sequence, more));
}

std::string Control(std::string_view name, std::string_view kind, std::string_view values) {
  return fmt::format("control_input {{ name: '{}' control {{ kind: CONTROL_SEQUENCE_{} {} }} }} ",
                     name, kind, values);
}

SequenceSpec SpecOf(ModelConfig config) {
  Normalize(config);
  EXPECT_TRUE(Validate(config).ok()) << Validate(config).message();
  auto spec = ToSpec(config, 1, "/models/m");
  EXPECT_TRUE(spec && spec->sequence);
  return spec->sequence.value_or(SequenceSpec());
}

TEST(SequenceBatching, WithoutAStrategyIsDirectWithAnIdleSecond) {
  const SequenceSpec spec = SpecOf(With(""));
  EXPECT_EQ(spec.strategy, SequenceSpec::Strategy::kDirect);
  EXPECT_EQ(spec.max_idle, std::chrono::seconds(1));
}

TEST(SequenceBatching, ControlsKeepTypeAndValues) {
  const SequenceSpec spec = SpecOf(With(Control("START", "START", "int32_false_true: [0, 7]") +
                                        Control("READY", "READY", "fp32_false_true: [-1, 1]") +
                                        Control("END", "END", "bool_false_true: [false, true]") +
                                        Control("ID", "CORRID", "data_type: TYPE_STRING")));
  ASSERT_EQ(spec.controls.size(), 4u);
  EXPECT_EQ(spec.controls[0].type, DataType::kInt32);
  EXPECT_EQ(spec.controls[0].on, 7);
  EXPECT_EQ(spec.controls[1].type, DataType::kFp32);
  EXPECT_EQ(spec.controls[1].off, -1);
  EXPECT_EQ(spec.controls[2].kind, SequenceControl::Kind::kEnd);
  EXPECT_EQ(spec.controls[2].type, DataType::kBool);
  EXPECT_EQ(spec.controls[3].kind, SequenceControl::Kind::kCorrelationId);
  EXPECT_EQ(spec.controls[3].type, DataType::kBytes);
}

TEST(SequenceBatching, OldestTakesItsCandidatesFromTheBatchSize) {
  const SequenceSpec spec = SpecOf(With("oldest { max_queue_delay_microseconds: 5 }"));
  EXPECT_EQ(spec.strategy, SequenceSpec::Strategy::kOldest);
  EXPECT_EQ(spec.max_candidate_sequences, 8);
  EXPECT_THAT(spec.preferred_sizes, ElementsAre(8));
  EXPECT_EQ(spec.max_queue_delay, std::chrono::microseconds(5));
}

TEST(SequenceBatching, StatesKeepDimsAndTheirFirstValue) {
  const SequenceSpec spec = SpecOf(With(R"(
    state { input_name: "IN" output_name: "OUT" data_type: TYPE_FP32 dims: [-1, 2]
            use_same_buffer_for_input_output: true use_growable_memory: true
            initial_state { name: "i" data_type: TYPE_FP32 dims: [3, 2] data_file: "first" } })"));
  ASSERT_EQ(spec.states.size(), 1u);
  EXPECT_THAT(spec.states[0].dims, ElementsAre(-1, 2));
  EXPECT_THAT(spec.states[0].initial_dims, ElementsAre(3, 2));
  EXPECT_EQ(spec.states[0].initial_file, "/models/m/initial_state/first");
}

TEST(SequenceBatching, NamesWhatIsWrong) {
  const std::string state = "state { input_name: 'a' output_name: 'b' ";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"direct { minimum_slot_utilization: 1.5 }", "minimum_slot_utilization 1.5"},
      {"direct { minimum_slot_utilization: -0.5 }", "minimum_slot_utilization -0.5"},
      {"direct { minimum_slot_utilization: nan }", "minimum_slot_utilization nan"},
      {"oldest { preferred_batch_size: 9 }", "preferred_batch_size 9"},
      {"oldest { max_candidate_sequences: -1 }", "max_candidate_sequences -1"},
      {Control("s", "START", ""), "exactly one of"},
      {Control("s", "START", "int32_false_true: [0, 1] fp32_false_true: [0, 1]"), "exactly one of"},
      {Control("s", "START", "int32_false_true: [1]"), "two entries"},
      {Control("c", "CORRID", "data_type: TYPE_FP32"), "TYPE_FP32"},
      {Control("c", "CORRID", ""), "TYPE_INVALID"},
      {Control("c", "CORRID", "data_type: TYPE_INT32 int32_false_true: [0, 1]"), "not false"},
      {Control("a", "START", "int32_false_true: [0, 1]") +
           Control("b", "START", "int32_false_true: [0, 1]"),
       "'a' and 'b' are both"},
      {Control("a", "START", "int32_false_true: [0, 1]") +
           Control("a", "END", "int32_false_true: [0, 1]"),
       "'a' is listed twice"},
      {"control_input { name: 'a' }", "has 0 controls"},
      {Control("x", "START", "int32_false_true: [0, 1]"), "'x' is filled by the scheduler"},
      {"state { input_name: 'a' }", "both input_name and output_name"},
      {state + "dims: [1] }", "no data_type"},
      {state + "data_type: TYPE_FP32 dims: [0] }", "has 0"},
      {"state { input_name: 'a' output_name: 'y' data_type: TYPE_FP32 dims: [1] }", "TYPE_INT32"},
      {state + "data_type: TYPE_FP32 dims: [1] initial_state { name: 'i' data_type: TYPE_INT32 "
               "dims: [1] zero_data: true } }",
       "TYPE_INT32"},
      {state + "data_type: TYPE_FP32 dims: [-1] initial_state { name: 'i' data_type: TYPE_FP32 "
               "dims: [-1] zero_data: true } }",
       "has -1"},
      {state + "data_type: TYPE_FP32 dims: [2] initial_state { name: 'i' data_type: TYPE_FP32 "
               "dims: [1] zero_data: true } }",
       "do not fit"},
      {state + "data_type: TYPE_FP32 dims: [1] initial_state { name: 'i' data_type: TYPE_FP32 "
               "dims: [1] data_file: '../x' } }",
       "inside the model's folder"},
      {state + "data_type: TYPE_FP32 dims: [1] initial_state { name: 'i' data_type: TYPE_FP32 "
               "dims: [1] } }",
       "neither"},
  };
  for (const auto& [sequence, wrong] : cases) {
    const Status status = Validate(With(sequence));
    EXPECT_EQ(status.code(), Code::kInvalidArgument) << sequence;
    EXPECT_THAT(status.message(), HasSubstr(wrong)) << sequence;
  }
}

TEST(SequenceBatching, TheFrameworksControlsAndStatesDoNotBecomeInputs) {
  ModelConfig config =
      Config("name: 'm' backend: 'onnxruntime' max_batch_size: 8 sequence_batching { " +
             Control("START", "START", "int32_false_true: [0, 1]") +
             "state { input_name: 'IN' output_name: 'OUT' data_type: TYPE_FP32 dims: [1] } }");
  const Shape dims = {-1, 1};
  ASSERT_TRUE(
      Complete(config, {.inputs = {{"x", DataType::kInt32, dims},
                                   {"START", DataType::kInt32, dims},
                                   {"IN", DataType::kFp32, dims}},
                        .outputs = {{"y", DataType::kInt32, dims}, {"OUT", DataType::kFp32, dims}},
                        .first_dim_variable = true})
          .ok());
  ASSERT_EQ(config.input_size(), 1);
  EXPECT_EQ(config.input(0).name(), "x");
  ASSERT_EQ(config.output_size(), 1);
  EXPECT_EQ(config.output(0).name(), "y");
}

}  // namespace
}  // namespace sarai::modelconfig
