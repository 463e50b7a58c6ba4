// The ends of models: unloading, a lost host process, the end of the engine; and that every request
// is answered exactly once through all of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "engine/testing/engine_fixture.h"

namespace sarai::engine {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class LifecycleTest : public EngineTest {};

TEST_F(LifecycleTest, UnloadFinishesWhatWaitsAndRefusesWhatComesLater) {
  const ModelHandle model = Load("m");
  fake->Hold();
  for (int i = 0; i < 3; ++i) Send(model, 1);
  fake->WaitUntilHeld(1);
  Signal gone;
  engine->Unload(model, [&] { gone.Set(); });
  EXPECT_FALSE(model.ready());
  Send(model, 2);
  const auto& refused = answers.Wait();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kUnavailable);
  EXPECT_EQ(refused.error().message(), "model 'm' is being unloaded; a retry loads it again");
  EXPECT_EQ(fake->live_models(), 1);
  fake->Release();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(answers.Wait());
  gone.Wait();
  EXPECT_EQ(fake->live_models(), 0);
}

TEST_F(LifecycleTest, WhatHadNotBegunWhenItsProcessDiedIsHandedBackOnce) {
  const ModelHandle model = Load("m");
  std::vector<std::pair<InferRequest, InferResponder>> back;
  engine->OnUnbegun([&](InferRequest request, InferResponder respond) {
    back.emplace_back(std::move(request), std::move(respond));
  });
  fake->Hold();
  Send(model, 1);
  fake->WaitUntilHeld(1);
  InferRequest waiting = Request(2, "waits");
  waiting.model = "m";
  const Tensor input = waiting.inputs.front();
  Send(model, std::move(waiting));
  fake->LoseModels(MakeStatus(Code::kUnavailable, "signal 9"));
  EXPECT_FALSE(answers.Wait());  // the one that had begun
  ASSERT_THAT(back, SizeIs(1));
  EXPECT_EQ(back[0].first.id, "waits");
  EXPECT_EQ(back[0].first.model, "m");
  ASSERT_THAT(back[0].first.inputs, SizeIs(1));
  EXPECT_EQ(back[0].first.inputs[0].name, input.name);
  EXPECT_EQ(back[0].first.inputs[0].shape, input.shape);
  EXPECT_EQ(model.counters().in_flight, 0);
  fake->Release();
  fake->WaitUntilNoneLive();

  const ModelHandle again = Load("m");
  fake->Hold();
  Send(again, 3);
  fake->WaitUntilHeld(1);
  auto [request, respond] = std::move(back[0]);
  engine->InferAgain(again, std::move(request), std::move(respond));
  fake->LoseModels(MakeStatus(Code::kUnavailable, "signal 9"));
  answers.WaitForAll();
  EXPECT_THAT(back, SizeIs(1));  // not a second time
  for (const auto& answer : answers.all()) EXPECT_EQ(answer.error().code(), Code::kUnavailable);
  fake->Release();
}

TEST_F(LifecycleTest, UnloadTellsEverybodyWhoAsked) {
  const ModelHandle model = Load("m");
  UnloadAndWait(model);
  UnloadAndWait(model);
  EXPECT_EQ(fake->live_models(), 0);
}

TEST_F(LifecycleTest, FreeingAModelDelaysNoRequest) {
  Signal destroying, go_on;
  fake->OnDestroy([&] {
    destroying.Set();
    go_on.Wait();
  });
  const ModelHandle slow = Load("slow");
  fake->OnDestroy({});
  const ModelHandle other = Load("other");
  Signal gone;
  engine->Unload(slow, [&] { gone.Set(); });
  destroying.Wait();
  Send(other, 1);
  EXPECT_TRUE(answers.Wait());
  go_on.Set();
  gone.Wait();
}

TEST_F(LifecycleTest, GivesMemoryBackOnceForModelsThatGoTogether) {
  Signal destroying, go_on;
  fake->OnDestroy([&] {
    destroying.Set();
    go_on.Wait();
  });
  const ModelHandle first = Load("first");
  fake->OnDestroy({});
  std::vector<ModelHandle> others;
  for (int i = 0; i < 10; ++i) others.push_back(Load("other"));
  engine->Unload(first, {});
  destroying.Wait();
  const int before = fake->releases();  // after loads; the reaper is busy now
  for (const ModelHandle& model : others) engine->Unload(model, {});
  go_on.Set();
  fake->WaitForReleases(before + 2);
  engine.reset();
  EXPECT_EQ(fake->releases(), before + 2);
  EXPECT_EQ(fake->live_models(), 0);
}

TEST_F(LifecycleTest, LosingAHostFailsWhatWaitsAndTellsTheOwnerFirst) {
  const ModelHandle model = Load("m");
  std::vector<std::string> lost;
  engine->OnModelLost([&](const ModelHandle& handle, const Status& why) {
    EXPECT_EQ(answers.count(), 0u);
    lost.push_back(handle.info().spec.name + ": " + why.message());
  });
  fake->Hold();
  for (int i = 0; i < 3; ++i) Send(model, 1);
  fake->WaitUntilHeld(1);
  fake->LoseModels(MakeStatus(Code::kUnavailable, "signal 9"));
  answers.WaitForAll();
  EXPECT_THAT(lost, testing::ElementsAre("m: signal 9"));
  for (const auto& answer : answers.all()) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code(), Code::kUnavailable);
  }
  EXPECT_FALSE(model.ready());
  fake->WaitUntilNoneLive();

  fake->Release();
  const ModelHandle again = Load("m");
  Send(again, 2);
  answers.WaitForAll();
  EXPECT_TRUE(answers.all().back());
  Send(model, 3);
  answers.WaitForAll();
  EXPECT_EQ(answers.all().back().error().message(),
            "model 'm' was lost: signal 9; a retry loads it again");
  UnloadAndWait(model);
}

TEST_F(LifecycleTest, ALoadThatIsOvertakenByALossFails) {
  fake->OnLoad(
      [&](const ModelSpec&) { fake->LoseModels(MakeStatus(Code::kUnavailable, "signal 9")); });
  const auto loaded = TryLoad("m", Config("max_batch_size: 8"));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Code::kUnavailable);
  EXPECT_THAT(loaded.error().message(), HasSubstr("died while it was loading"));
  fake->WaitUntilNoneLive();
}

TEST_F(LifecycleTest, TheEndOfTheEngineAnswersWhatWaits) {
  const ModelHandle model = Load("m");
  fake->Hold();
  for (int i = 0; i < 3; ++i) Send(model, 1);
  fake->WaitUntilHeld(1);
  std::thread ending([&] { engine.reset(); });
  for (int i = 0; i < 2; ++i) {
    const auto& answer = answers.Wait();
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().message(),
              "model 'm' cannot be asked any more: the server is shutting down");
  }
  fake->Release();
  ending.join();
  EXPECT_TRUE(answers.Wait());
  EXPECT_EQ(fake->live_models(), 0);
  EXPECT_FALSE(model.ready());
}

TEST_F(LifecycleTest, AFailedLoadLeavesNothingBehind) {
  fake->FailLoads(MakeStatus(Code::kDataLoss, "not a model"));
  const auto loaded = TryLoad("m", Config(""));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().ToString(), "data_loss: model 'm': not a model");
  fake->WaitUntilNoneLive();
}

class FourLanesTest : public EngineTest {
 protected:
  FourLanesTest() : EngineTest({.lanes = 4, .default_max_queue_size = 8}) {}
};

TEST_F(FourLanesTest, EveryRequestIsAnsweredExactlyOnceThroughUnloadsLossesAndRetries) {
  constexpr int kSenders = 4, kEach = 500, kRounds = 20;
  std::atomic<int> answered{0}, good{0};
  std::mutex mu;
  std::vector<ModelHandle> models;
  for (int i = 0; i < 3; ++i)
    models.push_back(Load(fmt::format("m{}", i), R"(max_batch_size: 4 dynamic_batching {}
        instance_group { count: 2 })"));
  const auto pick = [&](int number) {
    std::lock_guard lock(mu);
    return models[static_cast<size_t>(number) % models.size()];
  };

  std::vector<std::thread> threads;
  for (int sender = 0; sender < kSenders; ++sender)
    threads.emplace_back([&, sender] {
      for (int i = 0; i < kEach; ++i)
        engine->Infer(pick(sender + i), Request(static_cast<float>(i)),
                      [&, i](Result<InferResponse> response) {
                        answered.fetch_add(1);
                        if (!response) return;
                        EXPECT_EQ(FloatsOf(response->outputs[0])[0], static_cast<float>(i));
                        good.fetch_add(1);
                      });
    });
  for (int round = 0; round < kRounds; ++round) {
    if (round % 5 == 4) fake->LoseModels(MakeStatus(Code::kUnavailable, "signal 9"));
    const ModelHandle old = pick(round);
    engine->Unload(old, {});
    auto fresh = engine->Load({.directory = folder.path(old.info().spec.name)});
    ASSERT_TRUE(fresh) << fresh.error().message();
    std::lock_guard lock(mu);
    models[static_cast<size_t>(round) % models.size()] = *fresh;
  }
  for (std::thread& thread : threads) thread.join();
  // A busy machine may not have let the lanes run yet. All but the last loaded may be lost.
  int more = 0;
  for (; good.load() == 0; ++more)
    engine->Infer(pick(kRounds - 1), Request(0), [&](const Result<InferResponse>& response) {
      answered.fetch_add(1);
      if (response) good.fetch_add(1);
    });
  engine.reset();
  EXPECT_EQ(answered.load(), kSenders * kEach + more);
  EXPECT_EQ(fake->live_models(), 0);
}

int ThreadsOfThisProcess() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
  return -1;
}

TEST_F(LifecycleTest, TenThousandModelsNeedNoMoreThreadsThanOne) {
  constexpr int kModels = 10'000;
  std::vector<ModelHandle> models = {Load("m", "max_batch_size: 8 dynamic_batching {}")};
  const int threads = ThreadsOfThisProcess();
  ASSERT_GT(threads, 0);
  const std::string directory = folder.path("m");
  for (int i = 1; i < kModels; ++i) {
    auto loaded = engine->Load({.directory = directory, .name = fmt::format("m{}", i)});
    ASSERT_TRUE(loaded) << loaded.error().message();
    models.push_back(std::move(*loaded));
  }
  for (const ModelHandle& model : models) Send(model, 1);
  answers.WaitForAll();
  for (const auto& answer : answers.all()) ASSERT_TRUE(answer);
  EXPECT_EQ(ThreadsOfThisProcess(), threads);
  EXPECT_THAT(fake->runs(), SizeIs(kModels));
}

}  // namespace
}  // namespace sarai::engine
