// Models that answer a request with any number of responses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/engine_fixture.h"

namespace sarai::engine {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

constexpr char kDecoupled[] = "max_batch_size: 8 model_transaction_policy { decoupled: true }";

class DecoupledTest : public EngineTest {
 protected:
  // Hands each request's Respond to the test.
  void KeepStreams() {
    fake->SetStream([this](const std::vector<Tensor>&, const backends::ExecuteContext&,
                           FakeBackend::Respond respond) -> Status {
      std::lock_guard lock(mu_);
      streams_.push_back(std::move(respond));
      changed_.notify_all();
      return {};
    });
  }
  FakeBackend::Respond& StreamOf(size_t request) {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return streams_.size() > request; });
    return streams_[request];
  }

  static InferRequest Many(float value) {
    InferRequest request = Request(value, "id-1");
    request.accepts_many = true;
    return request;
  }
  static std::vector<Tensor> Output(float value) { return {Floats("y", {1, 1}, {value})}; }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<FakeBackend::Respond> streams_;  // references into it stay
};

TEST_F(DecoupledTest, RefusesARequestForOneResponse) {
  const ModelHandle model = Load("m", kDecoupled);
  Send(model, 1);
  const auto& answer = answers.Wait();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code(), Code::kUnimplemented);
  EXPECT_THAT(answer.error().message(),
              HasSubstr("doesn't support models with decoupled transaction policy"));
}

TEST_F(DecoupledTest, PassesOnEachResponseInOrderUntilTheLast) {
  KeepStreams();
  const ModelHandle model = Load("m", kDecoupled);
  Send(model, Many(1));
  auto& respond = StreamOf(0);
  respond(Output(10), false);
  EXPECT_THAT(FloatsOf(answers.Wait()->outputs[0]), ElementsAre(10));
  respond(Output(11), false);
  const auto& second = answers.Wait();
  EXPECT_EQ(second->id, "id-1");
  EXPECT_FALSE(second->final);
  respond(std::vector<Tensor>(), true);
  const auto& last = answers.Wait();
  EXPECT_TRUE(last->final);
  EXPECT_THAT(last->outputs, SizeIs(0));
  respond(Output(12), true);  // a backend that does not know when to stop
  EXPECT_EQ(answers.count(), 3u);
  EXPECT_EQ(model.counters().in_flight, 0);
}

TEST_F(DecoupledTest, TheInstanceTakesTheNextRequestWhileTheFirstsResponsesGoOn) {
  KeepStreams();
  const ModelHandle model = Load("m", kDecoupled);
  Send(model, Many(1));
  Send(model, Many(2));
  auto& first = StreamOf(0);
  auto& second = StreamOf(1);
  second(Output(2), true);
  EXPECT_THAT(FloatsOf(answers.Wait()->outputs[0]), ElementsAre(2));
  first(Output(1), true);
  EXPECT_THAT(FloatsOf(answers.Wait()->outputs[0]), ElementsAre(1));
}

TEST_F(DecoupledTest, AnErrorMayBeAResponseOrTheEnd) {
  KeepStreams();
  const ModelHandle model = Load("m", kDecoupled);
  Send(model, Many(1));
  auto& respond = StreamOf(0);
  respond(Error(Code::kInvalidArgument, "hiccup"), false);
  const auto& hiccup = answers.Wait();
  ASSERT_TRUE(hiccup);
  EXPECT_EQ(hiccup->error.message(), "model 'm': hiccup");
  respond(Output(5), false);
  EXPECT_TRUE(answers.Wait()->error.ok());
  respond(Error(Code::kInternal, "broke"), true);
  EXPECT_EQ(answers.Wait().error().message(), "model 'm': broke");
  EXPECT_THAT(model.counters().failures_by, ElementsAre(0, 0, 1, 0));
}

TEST_F(DecoupledTest, ARunThatFailsEndsTheRequest) {
  fake->SetStream([](const std::vector<Tensor>&, const backends::ExecuteContext&,
                     FakeBackend::Respond) { return MakeStatus(Code::kInvalidArgument, "no"); });
  const ModelHandle model = Load("m", kDecoupled);
  Send(model, Many(1));
  EXPECT_EQ(answers.Wait().error().message(), "model 'm': no");
}

TEST_F(DecoupledTest, CountsResponsesByTheirNumber) {
  KeepStreams();
  const ModelHandle model = Load("m", kDecoupled);
  Send(model, Many(1));
  auto& respond = StreamOf(0);
  clock.Advance(milliseconds(3));
  respond(Output(1), false);
  clock.Advance(milliseconds(2));
  respond(Error(Code::kInternal, "x"), false);
  respond(std::vector<Tensor>(), true);
  for (int i = 0; i < 3; ++i) answers.Wait();
  const ModelCounters counters = model.counters();
  ASSERT_THAT(counters.responses, SizeIs(3));
  EXPECT_EQ(counters.responses[0].compute_infer.ns, 3'000'000u);
  EXPECT_EQ(counters.responses[0].success.count, 1u);
  EXPECT_EQ(counters.responses[1].fail.count, 1u);
  EXPECT_EQ(counters.responses[1].fail.ns, 2'000'000u);
  EXPECT_EQ(counters.responses[2].empty_response.count, 1u);
  EXPECT_EQ(counters.success.count, 1u);
  EXPECT_EQ(counters.success.ns, 5'000'000u);
  EXPECT_EQ(counters.inferences, 1u);
}

TEST_F(DecoupledTest, UnloadWaitsForStreamsUnderWay) {
  KeepStreams();
  const ModelHandle model = Load("m", kDecoupled);
  Send(model, Many(1));
  auto& respond = StreamOf(0);
  Signal gone;
  engine->Unload(model, [&] { gone.Set(); });
  respond(Output(1), false);
  ASSERT_TRUE(answers.Wait());
  EXPECT_EQ(fake->live_models(), 1);
  respond(Output(2), true);
  ASSERT_TRUE(answers.Wait());
  gone.Wait();
  EXPECT_EQ(fake->live_models(), 0);
}

TEST_F(DecoupledTest, LosingTheHostEndsStreamsWithAnError) {
  KeepStreams();
  const ModelHandle model = Load("m", kDecoupled);
  Send(model, Many(1));
  auto& respond = StreamOf(0);
  respond(Output(1), false);
  ASSERT_TRUE(answers.Wait());
  fake->LoseModels(MakeStatus(Code::kUnavailable, "signal 9"));
  const auto& end = answers.Wait();
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().message(), "model 'm' was lost: signal 9; a retry loads it again");
  respond(Output(2), true);  // late
  EXPECT_EQ(answers.count(), 2u);
  fake->WaitUntilNoneLive();
}

TEST_F(DecoupledTest, TheBackendLearnsThatTheCallerHasLeft) {
  KeepStreams();
  const ModelHandle model = Load("m", kDecoupled);
  InferRequest request = Many(1);
  auto cancellation = request.cancellation = std::make_shared<Cancellation>();
  Send(model, std::move(request));
  auto& respond = StreamOf(0);
  cancellation->Cancel();
  EXPECT_TRUE(IsCancelled(fake->last_context().cancellation));
  respond(Error(Code::kCancelled, "stopped"), true);
  EXPECT_EQ(answers.Wait().error().code(), Code::kCancelled);
  EXPECT_THAT(model.counters().failures_by, ElementsAre(0, 1, 0, 0));
  EXPECT_EQ(model.counters().responses[0].cancel.count, 1u);
}

TEST_F(DecoupledTest, AModelOfOneResponseServesARequestThatAcceptsMany) {
  const ModelHandle model = Load("m");
  Send(model, Many(7));
  const auto& answer = answers.Wait();
  EXPECT_TRUE(answer->final);
  EXPECT_THAT(FloatsOf(answer->outputs[0]), ElementsAre(7));
}

}  // namespace
}  // namespace sarai::engine
