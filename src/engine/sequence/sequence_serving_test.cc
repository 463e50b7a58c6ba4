// Sequences through the whole engine, with a framework whose model adds up what it is given.
#include <gmock/gmock.h>

#include <cstring>
#include <deque>

#include "engine/testing/engine_fixture.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kAccumulator[] = R"(max_batch_size: 4
instance_group { count: 1 kind: KIND_CPU }
sequence_batching {
  control_input { name: "READY" control { kind: CONTROL_SEQUENCE_READY fp32_false_true: [0, 1] } }
  state { input_name: "IN" output_name: "OUT" data_type: TYPE_FP32 dims: [1] }
})";

// y = OUT = IN + x, row by row.
FakeBackend::Outputs Accumulate(const ModelSpec&, const std::vector<Tensor>& inputs) {
  std::vector<float> sums = FloatsOf(inputs.at(0));
  const std::vector<float> before = FloatsOf(inputs.at(2));
  for (size_t i = 0; i < sums.size(); ++i) sums[i] += before.at(i);
  return std::vector<Tensor>{Floats("y", inputs[0].shape, sums),
                             Floats("OUT", inputs[0].shape, sums)};
}

class SequenceServingTest : public EngineTest {
 protected:
  ModelHandle LoadAccumulator() {
    fake->SetExecute(Accumulate);
    return Load("sums", kAccumulator);
  }
  static InferRequest Step(CorrelationId id, float value, std::string_view marks = "") {
    InferRequest request = Request(value);
    request.sequence = std::move(id);
    request.sequence_start = marks.contains('s');
    request.sequence_end = marks.contains('e');
    return request;
  }
  float Sum(const ModelHandle& model, InferRequest request) {
    Send(model, std::move(request));
    const auto& answer = answers.Wait();
    if (!answer) {
      ADD_FAILURE() << answer.error().message();
      return -1;
    }
    EXPECT_EQ(answer->outputs.size(), 1u) << "a state is no output";
    return FloatsOf(answer->outputs.at(0)).at(0);
  }
  Status Refused(const ModelHandle& model, InferRequest request) {
    Send(model, std::move(request));
    const auto& answer = answers.Wait();
    return answer ? Status() : answer.error();
  }
};

TEST_F(SequenceServingTest, InterleavedSequencesKeepTheirOwnStates) {
  const ModelHandle model = LoadAccumulator();
  EXPECT_EQ(Sum(model, Step(uint64_t{1}, 1, "s")), 1);
  EXPECT_EQ(Sum(model, Step("two", 10, "s")), 10);
  EXPECT_EQ(Sum(model, Step(uint64_t{1}, 2)), 3);
  EXPECT_EQ(Sum(model, Step("two", 20)), 30);
  EXPECT_EQ(model.counters().sequences, 2);
  EXPECT_EQ(Sum(model, Step(uint64_t{1}, 3, "e")), 6);
  EXPECT_EQ(Sum(model, Step("two", 30, "e")), 60);
  EXPECT_EQ(model.counters().sequences, 0);
  EXPECT_EQ(model.counters().inferences, 6u) << "null rows are nobody's";
}

TEST_F(SequenceServingTest, IdlingEndsASequenceAndServesTheOneThatWaitsForItsSlot) {
  const ModelHandle model = Load("one", R"(max_batch_size: 0
instance_group { count: 1 kind: KIND_CPU }
sequence_batching {})");
  const auto step = [](uint64_t id, std::string_view marks) {
    InferRequest request = Step(id, 1, marks);
    request.inputs[0].shape = {1};
    return request;
  };
  Send(model, step(1, "s"));
  EXPECT_TRUE(answers.Wait());
  Send(model, step(2, "s"));
  Send(model, step(1, ""));
  EXPECT_TRUE(answers.Wait()) << "the first goes on, the second waits";
  MoveClock(std::chrono::seconds(2));
  EXPECT_TRUE(answers.Wait());
  EXPECT_EQ(model.counters().sequences, 1);
}

TEST_F(SequenceServingTest, AWaitForASlotTimesOutWhileTheModelIsBusy) {
  const ModelHandle model = Load("one", R"(max_batch_size: 0
instance_group { count: 1 kind: KIND_CPU }
sequence_batching { max_sequence_idle_microseconds: 3600000000 })");
  fake->Hold();
  InferRequest first = Step(uint64_t{1}, 1, "s"), second = Step(uint64_t{2}, 1, "s");
  first.inputs[0].shape = second.inputs[0].shape = {1};
  second.timeout = std::chrono::milliseconds(10);
  Send(model, std::move(first));
  fake->WaitUntilHeld(1);
  Send(model, std::move(second));
  MoveClock(std::chrono::milliseconds(20));
  const auto& answer = answers.Wait();
  fake->Release();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message(), HasSubstr("timeout of the corresponding sequence"));
  EXPECT_TRUE(answers.Wait());
}

TEST_F(SequenceServingTest, ARequestTooLateFindsItsSequenceEnded) {
  const ModelHandle model = LoadAccumulator();
  EXPECT_EQ(Sum(model, Step(uint64_t{1}, 1, "s")), 1);
  MoveClock(std::chrono::seconds(2));
  const Status refused = Refused(model, Step(uint64_t{1}, 1));
  EXPECT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_THAT(refused.message(), HasSubstr("must specify the START flag"));
}

TEST_F(SequenceServingTest, ClientsCannotGiveWhatTheSchedulerFills) {
  const ModelHandle model = LoadAccumulator();
  for (const char* name : {"READY", "IN"}) {
    InferRequest request = Step(uint64_t{1}, 1, "s");
    request.inputs.push_back(Floats(name, {1, 1}, {1}));
    EXPECT_THAT(Refused(model, std::move(request)).message(),
                AllOf(HasSubstr(name), HasSubstr("the server fills it")));
  }
}

TEST_F(SequenceServingTest, AFailedStepIsNotRepeatedAndTheSequenceGoesOn) {
  int runs = 0;
  fake->SetExecute([&runs](const ModelSpec& spec, const std::vector<Tensor>& inputs) {
    if (++runs == 2) return FakeBackend::Outputs(Error(Code::kInternal, "broken"));
    return Accumulate(spec, inputs);
  });
  const ModelHandle model = Load("sums", kAccumulator);
  EXPECT_EQ(Sum(model, Step(uint64_t{1}, 1, "s")), 1);
  EXPECT_THAT(Refused(model, Step(uint64_t{1}, 100)).message(), HasSubstr("broken"));
  EXPECT_EQ(Sum(model, Step(uint64_t{1}, 2)), 3);
  EXPECT_EQ(runs, 3);
}

TEST_F(SequenceServingTest, UnloadingFinishesWhatWaitsAndEndsWhatOnlyLives) {
  const ModelHandle model = LoadAccumulator();
  EXPECT_EQ(Sum(model, Step(uint64_t{1}, 1, "s")), 1);
  fake->Hold();
  Send(model, Step(uint64_t{1}, 2));
  fake->WaitUntilHeld(1);
  Send(model, Step(uint64_t{1}, 3));
  Signal gone;
  engine->Unload(model, [&] { gone.Set(); });
  fake->Release();
  EXPECT_EQ(FloatsOf(answers.Wait()->outputs.at(0)).at(0), 3);
  EXPECT_EQ(FloatsOf(answers.Wait()->outputs.at(0)).at(0), 6);
  gone.Wait();
  EXPECT_EQ(Refused(model, Step(uint64_t{1}, 4)).code(), Code::kUnavailable);
}

// --- decoupled models ----------------------------------------------------------------------------

class DecoupledSequenceTest : public SequenceServingTest {
 protected:
  using Respond = FakeBackend::Respond;

  ModelHandle LoadDecoupled(FakeBackend::Stream stream) {
    fake->SetStream(std::move(stream));
    return Load("sums",
                std::string(kAccumulator) + " model_transaction_policy { decoupled: true }");
  }
  static InferRequest Many(CorrelationId id, float value, std::string_view marks = "") {
    InferRequest request = Step(std::move(id), value, marks);
    request.accepts_many = true;
    return request;
  }
  // IN + x: what Accumulate answers.
  static float SumOf(const std::vector<Tensor>& inputs) {
    return FloatsOf(inputs.at(0)).at(0) + FloatsOf(inputs.at(2)).at(0);
  }
  static Tensor One(std::string name, float value) {
    return Floats(std::move(name), {1, 1}, {value});
  }
  float NextValue() {
    const auto& answer = answers.Wait();
    if (!answer || answer->outputs.empty()) return -1;
    return FloatsOf(answer->outputs[0]).at(0);
  }
};

TEST_F(DecoupledSequenceTest, StatesComeWithTheResponsesAndAreNotPassedOn) {
  const ModelHandle model = LoadDecoupled([](const auto& inputs, const auto&, Respond respond) {
    respond(std::vector{One("y", FloatsOf(inputs[0])[0]), One("OUT", -5)}, false);
    respond(std::vector{One("OUT", SumOf(inputs))}, false);  // nothing for the caller
    respond(std::vector{One("y", SumOf(inputs))}, true);
    return Status();
  });
  for (const auto& [value, marks, sum] :
       {std::tuple(1.f, "s", 1.f), {2.f, "", 3.f}, {3.f, "e", 6.f}}) {
    Send(model, Many("a", value, marks));
    EXPECT_EQ(NextValue(), value);
    const auto& last = answers.Wait();
    ASSERT_TRUE(last && last->final);
    ASSERT_EQ(last->outputs.size(), 1u) << "a state is no output";
    EXPECT_EQ(FloatsOf(last->outputs[0]).at(0), sum);
  }
  EXPECT_EQ(model.counters().inferences, 3u);
}

TEST_F(DecoupledSequenceTest, ARunThatGivesNoStateOrFailsLeavesTheOneBefore) {
  int runs = 0;
  const ModelHandle model = LoadDecoupled([&](const auto& inputs, const auto&, Respond respond) {
    if (++runs == 2) return MakeStatus(Code::kInternal, "broken");
    std::vector<Tensor> outputs{One("y", SumOf(inputs))};
    if (runs == 1) outputs.push_back(One("OUT", SumOf(inputs)));
    respond(std::move(outputs), true);
    return Status();
  });
  Send(model, Many("a", 1, "s"));
  EXPECT_EQ(NextValue(), 1);
  Send(model, Many("a", 10));
  EXPECT_THAT(answers.Wait().error().message(), HasSubstr("broken"));
  for (int i = 0; i < 2; ++i) {
    Send(model, Many("a", 2));
    EXPECT_EQ(NextValue(), 3);
  }
}

TEST_F(DecoupledSequenceTest, AStateOfAnotherTypeEndsTheRequestWithAnError) {
  const ModelHandle model = LoadDecoupled([](const auto&, const auto&, Respond respond) {
    respond(std::vector{Tensor{.name = "OUT",
                               .type = DataType::kInt32,
                               .shape = {1, 1},
                               .data = Blob::FromVector(std::vector<std::byte>(4))}},
            false);
    return Status();
  });
  Send(model, Many("a", 1, "s"));
  EXPECT_THAT(answers.Wait().error().message(), HasSubstr("'OUT' with type INT32"));
}

TEST_F(DecoupledSequenceTest, TheNextStepRunsWhenTheRunBeforeHasReturnedWhateverIsStillToCome) {
  std::deque<Respond> kept;  // each is there before its first response goes out
  const ModelHandle model = LoadDecoupled([&](const auto& inputs, const auto&, Respond respond) {
    kept.push_back(std::move(respond));
    kept.back()(std::vector{One("y", SumOf(inputs)), One("OUT", SumOf(inputs))}, false);
    return Status();
  });
  Send(model, Many("a", 1, "s"));
  EXPECT_EQ(NextValue(), 1);
  Send(model, Many("a", 2, "e"));
  EXPECT_EQ(NextValue(), 3);
  Send(model, Many("b", 5, "se"));  // into the slot that is free again
  EXPECT_EQ(NextValue(), 5);
  kept[0](std::vector{One("y", 100), One("OUT", 100)}, true);  // its state comes too late
  EXPECT_EQ(NextValue(), 100);
  for (const size_t later : {1, 2}) kept[later](std::vector<Tensor>(), true);
  EXPECT_TRUE(answers.Wait()->final);
  EXPECT_TRUE(answers.Wait()->final);
}

TEST_F(DecoupledSequenceTest, SequencesOfOneBatchRunOneAfterTheOtherWithoutNullRows) {
  const ModelHandle model =
      LoadDecoupled([](const auto& inputs, const auto& context, Respond respond) {
        const float id = static_cast<float>(std::get<uint64_t>(context.sequence));
        respond(std::vector{One("y", id), One("OUT", SumOf(inputs))}, true);
        return Status();
      });
  Send(model, Many(uint64_t{1}, 1, "s"));
  EXPECT_EQ(NextValue(), 1);
  Send(model, Many(uint64_t{2}, 1, "s"));
  EXPECT_EQ(NextValue(), 2);
  fake->Hold();
  Send(model, Many(uint64_t{2}, 1));
  fake->WaitUntilHeld(1);
  Send(model, Many(uint64_t{3}, 1, "s"));
  Send(model, Many(uint64_t{1}, 1));
  fake->Release();
  EXPECT_EQ(NextValue(), 2);
  EXPECT_EQ(NextValue(), 1);
  EXPECT_EQ(NextValue(), 3);
  EXPECT_EQ(RunBatches(), std::vector<int64_t>(5, 1));
}

// -------------------------------------------------------------------------------------------------

TEST_F(SequenceServingTest, WarmUpGivesControlsAndStates) {
  fake->SetExecute(Accumulate);
  Load("warm", std::string(kAccumulator) + R"(
model_warmup { name: "w" batch_size: 3
  inputs { key: "x" value { data_type: TYPE_FP32 dims: [1] zero_data: true } } })");
  EXPECT_THAT(RunBatches(), ElementsAre(3));
}

TEST_F(SequenceServingTest, AMissingInitialStateFailsTheLoad) {
  const auto loaded = TryLoad("bad", Config(R"(max_batch_size: 4
sequence_batching { state { input_name: "IN" output_name: "OUT" data_type: TYPE_FP32 dims: [1]
  initial_state { name: "i" data_type: TYPE_FP32 dims: [1] data_file: "none" } } })"));
  ASSERT_FALSE(loaded);
  EXPECT_THAT(loaded.error().message(), AllOf(HasSubstr("state 'IN'"), HasSubstr("none")));
}

}  // namespace
}  // namespace sarai::engine
