// Iterative models: a request is run again and again until the model says that it is done.
#include <gmock/gmock.h>

#include "engine/testing/engine_fixture.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kIterative[] = R"(max_batch_size: 4
instance_group { count: 1 kind: KIND_CPU }
sequence_batching {
  iterative_sequence: true
  control_input { name: "START" control { kind: CONTROL_SEQUENCE_START fp32_false_true: [0, 1] } }
  state { input_name: "IN" output_name: "OUT" data_type: TYPE_FP32 dims: [1] }
  oldest { max_candidate_sequences: 4 }
})";

// Counts up to x: its state is how far it has come, y is that too.
FakeBackend::Outputs CountUp(const std::vector<Tensor>& inputs,
                             std::span<backends::IterationRow> rows) {
  const std::vector<float> goals = FloatsOf(inputs.at(0));
  const std::vector<float> starts = FloatsOf(inputs.at(1));
  std::vector<float> counts = FloatsOf(inputs.at(2));
  for (size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(starts.at(i), rows[i].number == 0 ? 1 : 0);
    EXPECT_EQ(counts.at(i), static_cast<float>(rows[i].number)) << "the state of the run before";
    counts[i] += 1;
    rows[i].again = counts[i] < goals.at(i);
    rows[i].respond = counts[i] != 3;
  }
  return std::vector{Floats("y", inputs[0].shape, counts), Floats("OUT", inputs[0].shape, counts)};
}

class IterativeTest : public EngineTest {
 protected:
  IterativeTest() { fake->SetIterate(CountUp); }
  ModelHandle LoadStreaming() {
    return Load("m", std::string(kIterative) + " model_transaction_policy { decoupled: true }");
  }
  static InferRequest Many(float goal) {
    InferRequest request = Request(goal, "id");
    request.accepts_many = true;
    return request;
  }
  float NextValue() {
    const auto& answer = answers.Wait();
    if (!answer || answer->outputs.empty()) return -1;
    return FloatsOf(answer->outputs[0]).at(0);
  }
};

TEST_F(IterativeTest, ADecoupledModelRespondsOnTheWay) {
  const ModelHandle model = LoadStreaming();
  Send(model, Many(4));
  EXPECT_EQ(NextValue(), 1);
  EXPECT_EQ(NextValue(), 2);
  const auto& last = answers.Wait();
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->final);
  EXPECT_EQ(last->id, "id");
  EXPECT_THAT(FloatsOf(last->outputs.at(0)), ElementsAre(4)) << "of the third run was none";
  EXPECT_EQ(answers.count(), 3u);
  const ModelCounters counters = model.counters();
  EXPECT_EQ(counters.executions, 4u);
  EXPECT_EQ(counters.inferences, 1u);
  EXPECT_EQ(counters.success.count, 1u);
  EXPECT_EQ(counters.responses.size(), 3u);
  EXPECT_EQ(counters.sequences, 0);
  EXPECT_EQ(counters.in_flight, 0);
}

TEST_F(IterativeTest, ALastRunWithoutAResponseIsOnlyTheEnd) {
  const ModelHandle model = LoadStreaming();
  Send(model, Many(3));
  EXPECT_EQ(NextValue(), 1);
  EXPECT_EQ(NextValue(), 2);
  const auto& last = answers.Wait();
  ASSERT_TRUE(last && last->final);
  EXPECT_TRUE(last->outputs.empty());
}

TEST_F(IterativeTest, AnyOtherModelAnswersWhenItIsDone) {
  const ModelHandle model = Load("m", kIterative);
  Send(model, 3);
  EXPECT_EQ(NextValue(), 3);
  EXPECT_THAT(RunBatches(), ElementsAre(1, 1, 1));
}

TEST_F(IterativeTest, RequestsJoinTheOnesUnderWayAndLeaveWhenTheyAreDone) {
  const ModelHandle model = Load("m", kIterative);
  fake->Hold();
  Send(model, 3);
  fake->WaitUntilHeld(1);
  Send(model, 1);
  Send(model, 4);
  fake->Release();
  for (const float value : {1.f, 3.f, 4.f}) EXPECT_EQ(NextValue(), value);
  EXPECT_THAT(RunBatches(), ElementsAre(1, 3, 2, 1, 1));
  EXPECT_EQ(model.counters().inferences, 3u);
}

TEST_F(IterativeTest, AnIdOfTheClientsStartsASequenceWithEachRequest) {
  const ModelHandle model = Load("m", kIterative);
  for (int i = 0; i < 2; ++i) {
    InferRequest request = Request(2);
    request.sequence = uint64_t{7};
    request.sequence_start = true;
    Send(model, std::move(request));
    EXPECT_EQ(NextValue(), 2);
  }
  InferRequest second = Request(2);
  second.sequence = uint64_t{7};
  Send(model, std::move(second));
  EXPECT_THAT(answers.Wait().error().message(), HasSubstr("must specify the START flag"));
}

TEST_F(IterativeTest, ACallerWhoLeavesIsNotRunAgain) {
  const ModelHandle model = Load("m", kIterative);
  InferRequest request = Request(1000);
  const auto cancellation = request.cancellation = std::make_shared<Cancellation>();
  fake->Hold();
  Send(model, std::move(request));
  fake->LetPass(1);
  fake->WaitUntilHeld(1);
  cancellation->Cancel();
  fake->Release();
  EXPECT_EQ(answers.Wait().error().code(), Code::kCancelled);
  EXPECT_EQ(model.counters().sequences, 0);
  EXPECT_EQ(model.counters().in_flight, 0);
}

TEST_F(IterativeTest, AnErrorEndsTheRequestsOfItsRun) {
  int runs = 0;
  fake->SetIterate([&runs](const auto& inputs, auto rows) {
    return ++runs == 2 ? FakeBackend::Outputs(Error(Code::kInternal, "broken"))
                       : CountUp(inputs, rows);
  });
  const ModelHandle model = LoadStreaming();
  Send(model, Many(4));
  EXPECT_EQ(NextValue(), 1);
  EXPECT_THAT(answers.Wait().error().message(), HasSubstr("broken"));
  EXPECT_EQ(model.counters().sequences, 0);
  Send(model, Many(1));
  EXPECT_EQ(NextValue(), 1);
  EXPECT_EQ(answers.count(), 3u);
}

TEST_F(IterativeTest, UnloadingFinishesWhatIsUnderWay) {
  const ModelHandle model = Load("m", kIterative);
  fake->Hold();
  Send(model, 5);
  fake->WaitUntilHeld(1);
  Signal gone;
  engine->Unload(model, [&] { gone.Set(); });
  fake->Release();
  EXPECT_EQ(NextValue(), 5);
  gone.Wait();
}

TEST_F(IterativeTest, LosingTheModelEndsWhatIsUnderWay) {
  const ModelHandle model = Load("m", kIterative);
  fake->Hold();
  Send(model, 5);
  fake->WaitUntilHeld(1);
  fake->LetPass(1);
  fake->WaitUntilHeld(1);
  fake->LoseModels(MakeStatus(Code::kUnavailable, "signal 9"));
  EXPECT_EQ(answers.Wait().error().code(), Code::kUnavailable);
  fake->WaitUntilNoneLive();
}

TEST_F(IterativeTest, WarmUpRunsItOnce) {
  Load("m", std::string(kIterative) + R"( model_warmup { name: "w" batch_size: 2
    inputs { key: "x" value { data_type: TYPE_FP32 dims: [1] zero_data: true } } })");
  EXPECT_THAT(RunBatches(), ElementsAre(2));
}

}  // namespace
}  // namespace sarai::engine
