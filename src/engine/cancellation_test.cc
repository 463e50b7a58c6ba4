// Callers that leave: while their request waits, while it runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "engine/testing/engine_fixture.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class CancellationTest : public EngineTest {
 protected:
  CancellationPtr SendCancellable(const ModelHandle& model, float value) {
    InferRequest request = Request(value);
    auto cancellation = request.cancellation = std::make_shared<Cancellation>();
    Send(model, std::move(request));
    return cancellation;
  }
};

TEST_F(CancellationTest, AWaitingRequestLeavesWithoutALane) {
  const ModelHandle model = Load("m");
  fake->Hold();
  Send(model, 1);
  fake->WaitUntilHeld(1);
  const CancellationPtr second = SendCancellable(model, 2), third = SendCancellable(model, 3);
  second->Cancel();  // the only lane is busy
  const auto& cancelled = answers.Wait();
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code(), Code::kCancelled);
  EXPECT_THAT(cancelled.error().message(), HasSubstr("model 'm': the request was cancelled"));
  EXPECT_EQ(model.counters().pending, 1);
  EXPECT_THAT(model.counters().failures_by, ElementsAre(0, 1, 0, 0));
  fake->Release();
  answers.WaitForAll();
  EXPECT_THAT(fake->runs(), SizeIs(2));
  EXPECT_EQ(model.counters().in_flight, 0);
  third->Cancel();  // too late to matter
  EXPECT_EQ(answers.count(), 3u);
}

TEST_F(CancellationTest, ARequestCancelledBeforehandIsNotQueued) {
  const ModelHandle model = Load("m");
  InferRequest request = Request(1);
  request.cancellation = std::make_shared<Cancellation>();
  request.cancellation->Cancel();
  Send(model, std::move(request));
  EXPECT_EQ(answers.Wait().error().code(), Code::kCancelled);
  EXPECT_THAT(fake->runs(), SizeIs(0));
}

TEST_F(CancellationTest, ARunningRequestGetsTheToken) {
  const ModelHandle model = Load("m");
  fake->Hold();
  const CancellationPtr cancellation = SendCancellable(model, 1);
  fake->WaitUntilHeld(1);
  cancellation->Cancel();
  EXPECT_TRUE(IsCancelled(fake->last_context().cancellation));
  fake->Release();
  EXPECT_TRUE(answers.Wait());  // the model did not look
}

TEST_F(CancellationTest, EveryRequestIsAnsweredOnceHoweverCancellationRacesWithItsRun) {
  const ModelHandle model = Load("m", "max_batch_size: 8 dynamic_batching {}");
  constexpr int kRounds = 300;
  for (int i = 0; i < kRounds; ++i) {
    std::latch start(2);
    CancellationPtr cancellation = std::make_shared<Cancellation>();
    std::thread canceller([&] {
      start.arrive_and_wait();
      cancellation->Cancel();
    });
    InferRequest request = Request(1);
    request.cancellation = cancellation;
    start.arrive_and_wait();
    Send(model, std::move(request));
    canceller.join();
  }
  answers.WaitForAll();
  EXPECT_EQ(answers.count(), static_cast<size_t>(kRounds));
  EXPECT_EQ(model.counters().in_flight, 0);
  EXPECT_EQ(model.counters().pending, 0);
}

TEST_F(CancellationTest, OneCancellationMayBelongToManyRequests) {
  const ModelHandle model = Load("m");
  auto stream = std::make_shared<Cancellation>();
  fake->Hold();
  for (int i = 0; i < 5; ++i) {
    InferRequest request = Request(1);
    request.cancellation = stream;
    Send(model, std::move(request));
  }
  fake->WaitUntilHeld(1);
  stream->Cancel();
  for (int i = 0; i < 4; ++i) EXPECT_EQ(answers.Wait().error().code(), Code::kCancelled);
  fake->Release();
  EXPECT_TRUE(answers.Wait());
}

}  // namespace
}  // namespace sarai::engine
