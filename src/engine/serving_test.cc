// Requests through the engine: whose turn it is, what runs together, what is shed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <mutex>
#include <thread>

#include "engine/testing/engine_fixture.h"
#include "policy/short_runs.h"

namespace sarai::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kBatching[] = "max_batch_size: 8 dynamic_batching {}";

class ServingTest : public EngineTest {};

class TwoLanesTest : public EngineTest {
 protected:
  TwoLanesTest() : EngineTest({.lanes = 2, .run_here_median_max = Duration{0}}) {}
};

// Short runs on the caller's thread; the clock stands still, so that all are.
class RunHereTest : public EngineTest {
 protected:
  RunHereTest() : EngineTest({.lanes = 2, .run_here_median_max = std::chrono::microseconds(200)}) {
    fake->SetExecute([this](const ModelSpec&, const std::vector<Tensor>& inputs) {
      {
        std::lock_guard lock(mu_);
        threads_.push_back(std::this_thread::get_id());
      }
      Tensor output = inputs[0];
      output.name = "y";
      return FakeBackend::Outputs(std::vector{output});
    });
  }
  // Until a run is known to be short. A lane may still be busy with the end of a turn whose answer
  // is here already.
  void WarmUp(const ModelHandle& model) {
    constexpr int kRequestsMax = 100'000;
    for (int i = 0; i < kRequestsMax; ++i) {
      Send(model, 1);
      answers.Wait();
      if (LastThread() == std::this_thread::get_id()) return;
    }
    FAIL() << "no run was on this thread";
  }
  std::thread::id LastThread() {
    std::lock_guard lock(mu_);
    return threads_.back();
  }

 private:
  std::mutex mu_;
  std::vector<std::thread::id> threads_;  // of the runs; guarded by mu_
};

TEST_F(RunHereTest, AShortModelNeedsNoSwitchOfThreads) {
  const ModelHandle model = Load("m");
  Send(model, 1);
  answers.Wait();
  EXPECT_NE(LastThread(), std::this_thread::get_id());  // it is not known yet
  WarmUp(model);
  const size_t answered = answers.count();
  Send(model, 2);
  EXPECT_EQ(answers.count(), answered + 1);  // inside the call
  EXPECT_EQ(LastThread(), std::this_thread::get_id());
  EXPECT_EQ(model.counters().in_flight, 0);
}

TEST_F(RunHereTest, ButNotWhileEveryLaneIsTaken) {
  const ModelHandle model = Load("m", "max_batch_size: 8 instance_group { count: 8 }");
  WarmUp(model);
  fake->Hold();
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i) callers.emplace_back([&] { Send(model, 1); });
  fake->WaitUntilHeld(2);
  Send(model, 2);  // returns: it is queued
  EXPECT_EQ(model.counters().pending, 1);
  EXPECT_EQ(fake->peak_concurrency(), 2);
  clock.Advance(seconds(1));
  EXPECT_DOUBLE_EQ(engine->TakeLaneUtilization(), 1.0);
  fake->Release();
  for (std::thread& caller : callers) caller.join();
  answers.WaitForAll();
  EXPECT_EQ(fake->peak_concurrency(), 2);
}

TEST_F(RunHereTest, ButNotBeyondTheInstanceCount) {
  const ModelHandle model = Load("m", "max_batch_size: 8 instance_group { count: 1 }");
  WarmUp(model);
  fake->Hold();
  std::thread caller([&] { Send(model, 1); });
  fake->WaitUntilHeld(1);
  Send(model, 2);
  EXPECT_EQ(model.counters().pending, 1);
  fake->Release();
  caller.join();
  answers.WaitForAll();
  EXPECT_EQ(fake->peak_concurrency(), 1);
}

TEST_F(ServingTest, AnswersWithModelVersionAndId) {
  const ModelHandle model = Load("m");
  Send(model, 7, "id-1");
  const auto& answer = answers.Wait();
  ASSERT_TRUE(answer) << answer.error().message();
  EXPECT_EQ(answer->model, "m");
  EXPECT_EQ(answer->version, "1");
  EXPECT_EQ(answer->id, "id-1");
  ASSERT_EQ(answer->outputs.size(), 1u);
  EXPECT_EQ(answer->outputs[0].name, "y");
  EXPECT_THAT(FloatsOf(answer->outputs[0]), ElementsAre(7));
}

TEST_F(ServingTest, RefusesBadRequestsWithoutRunningThem) {
  const ModelHandle model = Load("m");
  Send(model, InferRequest{});
  InferRequest unknown_version = Request(1);
  unknown_version.version = "9";
  Send(model, std::move(unknown_version));
  EXPECT_THAT(answers.Wait().error().message(),
              HasSubstr("for model 'm'. Got input(s) [], but missing required input(s) ['x']"));
  EXPECT_EQ(answers.Wait().error().message(),
            "Request for unknown model: 'm' version 9 is not found; it serves 1");
  EXPECT_THAT(fake->runs(), IsEmpty());
  EXPECT_EQ(model.counters().failures, 1u);
}

TEST_F(ServingTest, FloodOnOneModelDoesNotStarveAnother) {
  const ModelHandle flooded = Load("flooded"), calm = Load("calm");
  fake->Hold();
  for (int i = 0; i < 50; ++i) Send(flooded, 1);
  fake->WaitUntilHeld(1);
  Send(calm, 2);
  Send(calm, 3);
  fake->Release();
  answers.WaitForAll();
  const auto names = RunNames();
  ASSERT_EQ(names.size(), 52u);
  EXPECT_THAT(std::vector(names.begin(), names.begin() + 5),
              ElementsAre("flooded", "calm", "flooded", "calm", "flooded"));
}

TEST_F(ServingTest, RunsTogetherWhatWaitedWhileTheLaneWasBusy) {
  const ModelHandle model = Load("m", kBatching);
  fake->Hold();
  Send(model, 1);
  fake->WaitUntilHeld(1);
  for (int i = 2; i <= 4; ++i) Send(model, static_cast<float>(i));
  fake->Release();
  for (int i = 1; i <= 4; ++i) {
    const auto& answer = answers.Wait();
    ASSERT_TRUE(answer);
    EXPECT_THAT(answer->outputs[0].shape, ElementsAre(1, 1));
    EXPECT_THAT(FloatsOf(answer->outputs[0]), ElementsAre(i));
  }
  EXPECT_THAT(RunBatches(), ElementsAre(1, 3));
}

TEST_F(ServingTest, RunsOneRequestATimeWithoutDynamicBatching) {
  const ModelHandle model = Load("m", "max_batch_size: 8");
  fake->Hold();
  for (int i = 0; i < 4; ++i) Send(model, 1);
  fake->Release();
  answers.WaitForAll();
  EXPECT_THAT(RunBatches(), ElementsAre(1, 1, 1, 1));
}

TEST_F(ServingTest, HoldsASmallBatchBackForItsQueueDelayOnly) {
  const ModelHandle model = Load("m", R"(max_batch_size: 8
      dynamic_batching { preferred_batch_size: 4 max_queue_delay_microseconds: 10000 })");
  Send(model, 1);
  Send(model, 2);
  MoveClock(milliseconds(9));
  EXPECT_EQ(answers.count(), 0u);
  MoveClock(milliseconds(1));
  answers.WaitForAll();
  EXPECT_THAT(RunBatches(), ElementsAre(2));
}

TEST_F(ServingTest, RunsAPreferredSizeAtOnce) {
  const ModelHandle model = Load("m", R"(max_batch_size: 8
      dynamic_batching { preferred_batch_size: 2 max_queue_delay_microseconds: 1000000 })");
  for (int i = 0; i < 4; ++i) Send(model, 1);
  answers.WaitForAll();  // the clock stands still
  EXPECT_THAT(RunBatches(), ElementsAre(2, 2));
}

TEST_F(ServingTest, DoesNotMixShapesInOneBatch) {
  auto loaded = TryLoad("m", R"(backend: "fake" max_batch_size: 8 dynamic_batching {}
      input { name: "x" data_type: TYPE_FP32 dims: [ -1 ] }
      output { name: "y" data_type: TYPE_FP32 dims: [ -1 ] })");
  ASSERT_TRUE(loaded) << loaded.error().message();
  fake->Hold();
  Send(*loaded, 0);
  fake->WaitUntilHeld(1);
  for (const int64_t width : {2, 2, 3}) {
    InferRequest request;
    request.inputs = {Floats("x", {1, width}, std::vector<float>(static_cast<size_t>(width)))};
    Send(*loaded, std::move(request));
  }
  fake->Release();
  answers.WaitForAll();
  EXPECT_THAT(RunBatches(), ElementsAre(1, 2, 1));
}

TEST_F(ServingTest, RefusesWhatExceedsTheQueue) {
  const ModelHandle model = Load("m", R"(max_batch_size: 8
      dynamic_batching { default_queue_policy { max_queue_size: 2 } })");
  fake->Hold();
  Send(model, 1);
  fake->WaitUntilHeld(1);
  for (int i = 0; i < 3; ++i) Send(model, 2);
  const auto& refused = answers.Wait();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
  EXPECT_EQ(refused.error().message(),
            "model 'm': Exceeds maximum queue size: 2 requests are waiting, the bound is 2");
  EXPECT_EQ(model.counters().in_flight, 3);
  fake->Release();
  answers.WaitForAll();
}

TEST_F(ServingTest, ExpiresRequestsInTimeWhileEveryLaneIsBusy) {
  const ModelHandle model = Load("m");
  fake->Hold();
  Send(model, 1);
  fake->WaitUntilHeld(1);
  InferRequest request = Request(2);
  request.deadline = clock.Now() + milliseconds(5);
  Send(model, std::move(request));
  MoveClock(milliseconds(5));
  const auto& expired = answers.Wait();
  ASSERT_FALSE(expired);
  EXPECT_EQ(expired.error().code(), Code::kDeadlineExceeded);
  EXPECT_EQ(expired.error().message(),
            "model 'm': Request timeout expired: it waited 5.0 ms in the queue");
  fake->Release();
  EXPECT_TRUE(answers.Wait());
  EXPECT_THAT(fake->runs(), testing::SizeIs(1));
}

TEST_F(ServingTest, TakesTheShorterOfModelsAndRequestsTimeout) {
  const ModelHandle model = Load("m", R"(max_batch_size: 8 dynamic_batching {
      default_queue_policy { default_timeout_microseconds: 5000 allow_timeout_override: true } })");
  fake->Hold();
  Send(model, 0);
  fake->WaitUntilHeld(1);
  const std::vector<std::pair<std::string, int64_t>> timeouts = {
      {"longer", 9000}, {"shorter", 2000}, {"none", 0}};
  for (const auto& [id, timeout] : timeouts) {
    InferRequest request = Request(1, id);
    request.timeout = std::chrono::microseconds(timeout);
    Send(model, std::move(request));
  }
  MoveClock(milliseconds(2));
  EXPECT_EQ(answers.Wait().error().code(), Code::kUnavailable);
  EXPECT_EQ(answers.count(), 1u);
  MoveClock(milliseconds(3));
  EXPECT_EQ(answers.Wait().error().code(), Code::kUnavailable);
  EXPECT_EQ(answers.Wait().error().code(), Code::kUnavailable);
  fake->Release();
  EXPECT_TRUE(answers.Wait());
}

TEST_F(ServingTest, OneBadRequestDoesNotFailThoseItWasBatchedWith) {
  fake->SetExecute([](const ModelSpec&, const std::vector<Tensor>& inputs) -> FakeBackend::Outputs {
    for (const float value : FloatsOf(inputs[0]))
      if (value < 0) return Error(Code::kInvalidArgument, "negative index");
    Tensor output = inputs[0];
    output.name = "y";
    return std::vector{output};
  });
  const ModelHandle model = Load("m", kBatching);
  fake->Hold();
  Send(model, 0);
  fake->WaitUntilHeld(1);
  for (const float value : {1.f, -2.f, 3.f}) Send(model, value);
  fake->Release();
  answers.WaitForAll();
  EXPECT_THAT(RunBatches(), ElementsAre(1, 3, 1, 1, 1));
  const auto all = answers.all();
  EXPECT_THAT(FloatsOf(all[1]->outputs[0]), ElementsAre(1));
  EXPECT_EQ(all[2].error().message(), "model 'm': negative index");
  EXPECT_THAT(FloatsOf(all[3]->outputs[0]), ElementsAre(3));
}

TEST_F(ServingTest, NamesTheOutputThatAModelGetsWrong) {
  fake->SetExecute([](const ModelSpec&, const std::vector<Tensor>&) -> FakeBackend::Outputs {
    return std::vector{Floats("y", {5, 1}, {1, 2, 3, 4, 5})};
  });
  const ModelHandle model = Load("m");
  Send(model, 1);
  const auto& answer = answers.Wait();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::kInternal);
  EXPECT_THAT(answer.error().message(),
              HasSubstr("model 'm' answered output 'y' with shape [5,1]"));
}

TEST_F(ServingTest, CountsWhatItDid) {
  const ModelHandle model = Load("m", kBatching);
  fake->Hold();
  Send(model, 1);
  fake->WaitUntilHeld(1);
  Send(model, 2);
  Send(model, 3);
  Send(model, InferRequest{});
  EXPECT_EQ(model.counters().in_flight, 3);
  clock.Advance(milliseconds(4));
  fake->Release();
  answers.WaitForAll();
  const ModelCounters counters = model.counters();
  EXPECT_EQ(counters.requests, 4u);
  EXPECT_EQ(counters.failures, 1u);
  EXPECT_EQ(counters.executions, 2u);
  EXPECT_EQ(counters.inferences, 3u);
  EXPECT_EQ(counters.in_flight, 0);
  EXPECT_EQ(counters.last_used, clock.Now() - milliseconds(4));
  EXPECT_EQ(counters.success.count, 3u);
  EXPECT_EQ(counters.success.ns, 12'000'000u);
  EXPECT_EQ(counters.queue.ns, 8'000'000u);          // the two that waited
  EXPECT_EQ(counters.compute_infer.ns, 4'000'000u);  // the one that was held
  ASSERT_EQ(counters.batches.size(), 2u);
  EXPECT_EQ(counters.batches[1].batch_size, 2);
  EXPECT_EQ(counters.batches[1].compute_infer.count, 1u);
}

TEST_F(ServingTest, CountsWhatWaitsAndWhyRequestsFailed) {
  const ModelHandle model = Load("m", R"(max_batch_size: 8
      dynamic_batching { default_queue_policy { max_queue_size: 1 } })");
  fake->Hold();
  Send(model, 1);
  fake->WaitUntilHeld(1);
  InferRequest expiring = Request(2);
  expiring.deadline = clock.Now() + milliseconds(5);
  Send(model, std::move(expiring));
  EXPECT_EQ(model.counters().pending, 1);
  Send(model, 3);               // the queue is full
  Send(model, InferRequest{});  // its input is missing
  MoveClock(milliseconds(5));   // the second expires
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(answers.Wait());
  fake->Release();
  answers.WaitForAll();
  const ModelCounters counters = model.counters();
  EXPECT_EQ(counters.pending, 0);
  EXPECT_THAT(counters.failures_by,
              ElementsAre(2, 0, 0, 1));  // rejected, cancelled, backend, other
}

TEST_F(ServingTest, StampsATracedRequestAndKeepsItsTensors) {
  std::vector<TraceRecord> records;
  auto options = std::make_shared<RequestTrace::Options>();
  options->tensors = true;
  options->sink = [&](TraceRecord record) { records.push_back(std::move(record)); };
  const ModelHandle model = Load("m");
  InferRequest request = Request(5);
  request.trace = std::make_shared<RequestTrace>(TraceRecord{}, options);
  Send(model, std::move(request));
  ASSERT_TRUE(answers.Wait());
  engine.reset();  // nobody holds a share any more
  ASSERT_EQ(records.size(), 1u);
  std::vector<TraceActivity> stamps, tensors;
  for (const auto& stamp : records[0].stamps) stamps.push_back(stamp.activity);
  for (const auto& traced : records[0].tensors) tensors.push_back(traced.activity);
  using enum TraceActivity;
  EXPECT_THAT(stamps, ElementsAre(kQueueStart, kComputeStart, kComputeInputEnd, kComputeOutputStart,
                                  kComputeEnd));
  EXPECT_THAT(tensors, ElementsAre(kTensorQueueInput, kTensorBackendInput, kTensorBackendOutput));
}

TEST_F(TwoLanesTest, TellsHowBusyTheLanesAre) {
  const ModelHandle model = Load("m");
  fake->Hold();
  Send(model, 1);
  fake->WaitUntilHeld(1);
  engine->TakeLaneUtilization();
  clock.Advance(seconds(1));
  EXPECT_DOUBLE_EQ(engine->TakeLaneUtilization(), 0.5);
  fake->Release();
  answers.WaitForAll();
}

TEST_F(TwoLanesTest, RunsNoMoreAtOnceThanTheInstanceGroupSays) {
  const ModelHandle one = Load("one", "max_batch_size: 8 instance_group { count: 1 }");
  fake->Hold();
  for (int i = 0; i < 4; ++i) Send(one, 1);
  fake->WaitUntilHeld(1);
  const ModelHandle two = Load("two", "max_batch_size: 8 instance_group { count: 2 }");
  Send(two, 2);
  fake->WaitUntilHeld(2);  // the other lane is free for it
  fake->Release();
  answers.WaitForAll();
  fake->Hold();
  Send(two, 1);
  Send(two, 1);
  fake->WaitUntilHeld(2);  // both lanes at once
  fake->Release();
  answers.WaitForAll();
}

TEST_F(TwoLanesTest, PreservesTheOrderOfAnswersWhereAsked) {
  std::latch second_ran(1);
  fake->SetExecute(
      [&](const ModelSpec&, const std::vector<Tensor>& inputs) -> FakeBackend::Outputs {
        if (FloatsOf(inputs[0])[0] == 1) second_ran.wait();
        if (FloatsOf(inputs[0])[0] == 2) second_ran.count_down();
        Tensor output = inputs[0];
        output.name = "y";
        return std::vector{output};
      });
  const ModelHandle model = Load("m", R"(max_batch_size: 1 instance_group { count: 2 }
      dynamic_batching { preserve_ordering: true })");
  Send(model, 1, "first");
  Send(model, 2, "second");
  EXPECT_EQ(answers.Wait()->id, "first");
  EXPECT_EQ(answers.Wait()->id, "second");
}

}  // namespace
}  // namespace sarai::engine
