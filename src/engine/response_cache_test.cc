// Models whose answers are kept.
#include "engine/response_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/engine_fixture.h"

namespace sarai::engine {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

constexpr char kCached[] = "max_batch_size: 8 response_cache { enable: true }";

class CachedTest : public EngineTest {
 protected:
  explicit CachedTest(uint64_t bytes = 1 << 20)
      : EngineTest(EngineOptions{
            .lanes = 1, .run_here_median_max = Duration{0}, .response_cache_bytes = bytes}) {}
};

TEST_F(CachedTest, AnEqualRequestIsAnsweredWithoutARun) {
  const ModelHandle model = Load("m", kCached);
  for (const char* id : {"first", "second"}) {
    Send(model, 7, id);
    const auto& answer = answers.Wait();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->id, id);
    EXPECT_THAT(FloatsOf(answer->outputs[0]), ElementsAre(7));
  }
  EXPECT_THAT(fake->runs(), SizeIs(1));
  const ModelCounters counters = model.counters();
  EXPECT_EQ(counters.success.count, 2u);
  EXPECT_EQ(counters.inferences, 1u);
  EXPECT_EQ(counters.cache_hit.count, 1u);
  EXPECT_EQ(counters.cache_miss.count, 1u);
}

TEST_F(CachedTest, AnythingThatMayChangeTheAnswerIsAnotherRequest) {
  const ModelHandle model = Load("m", kCached);
  Send(model, 1);
  InferRequest other_value = Request(2);
  InferRequest other_shape = {.inputs = {Floats("x", {2, 1}, {1, 1})}};
  InferRequest with_parameter = Request(1);
  with_parameter.parameters["k"] = int64_t{1};
  InferRequest asked = Request(1);
  asked.outputs = {{.name = "y"}};
  for (auto* request : {&other_value, &other_shape, &with_parameter, &asked})
    Send(model, std::move(*request));
  answers.WaitForAll();
  EXPECT_THAT(fake->runs(), SizeIs(5));
}

TEST_F(CachedTest, AnErrorIsNotKept) {
  fake->SetExecute([](const ModelSpec&, const std::vector<Tensor>&) -> FakeBackend::Outputs {
    return Error(Code::kInternal, "no");
  });
  const ModelHandle model = Load("m", kCached);
  for (int i = 0; i < 2; ++i) {
    Send(model, 1);
    EXPECT_FALSE(answers.Wait());
  }
  EXPECT_THAT(fake->runs(), SizeIs(2));
}

TEST_F(CachedTest, AReloadBeginsWithNothing) {
  const ModelHandle model = Load("m", kCached);
  Send(model, 1);
  answers.Wait();
  UnloadAndWait(model);
  const ModelHandle again = Load("m", kCached);
  Send(again, 1);
  answers.Wait();
  EXPECT_THAT(fake->runs(), SizeIs(2));
}

TEST_F(CachedTest, ModelsThatDoNotAskForItAreNotCached) {
  const ModelHandle model = Load("m");
  for (int i = 0; i < 2; ++i) {
    Send(model, 1);
    answers.Wait();
  }
  EXPECT_THAT(fake->runs(), SizeIs(2));
  EXPECT_EQ(model.counters().cache_miss.count, 0u);
}

PendingRequest Of(std::vector<Tensor> inputs) {
  PendingRequest pending;
  pending.inputs = std::move(inputs);
  return pending;
}

TEST(ResponseCache, EqualRequestsOfOneLoadHaveOneKey) {
  const ResponseCache cache(4096);
  const PendingRequest one = Of({Floats("x", {2}, {1, 2})}), same = Of({Floats("x", {2}, {1, 2})});
  ASSERT_TRUE(cache.KeyOf(1, one));
  EXPECT_EQ(cache.KeyOf(1, one), cache.KeyOf(1, same));
  EXPECT_NE(cache.KeyOf(1, one), cache.KeyOf(2, one));
}

TEST(ResponseCache, TheSameBytesInOtherPiecesAreAnotherRequest) {
  const ResponseCache cache(4096);
  EXPECT_NE(cache.KeyOf(1, Of({Floats("x", {2}, {1, 2}), Floats("y", {1}, {3})})),
            cache.KeyOf(1, Of({Floats("x", {1}, {1}), Floats("y", {2}, {2, 3})})));
  EXPECT_NE(cache.KeyOf(1, Of({Floats("x", {2}, {1, 2})})),
            cache.KeyOf(1, Of({Floats("x", {1, 2}, {1, 2})})));
}

TEST(ResponseCache, KeysDependOnASecret) {
  const PendingRequest one = Of({Floats("x", {1}, {1})});
  EXPECT_NE(ResponseCache(4096).KeyOf(1, one), ResponseCache(4096).KeyOf(1, one));
}

TEST(ResponseCache, TheOldestAnswersMakeRoom) {
  ResponseCache cache(4096);
  const std::vector<Tensor> outputs = {Floats("y", {256}, std::vector<float>(256, 1))};
  cache.Keep("a", outputs);
  cache.Keep("b", outputs);
  EXPECT_NE(cache.Find("a"), nullptr);
  cache.Keep("c", outputs);
  EXPECT_NE(cache.Find("a"), nullptr);
  EXPECT_EQ(cache.Find("b"), nullptr);
  EXPECT_NE(cache.Find("c"), nullptr);
}

}  // namespace
}  // namespace sarai::engine
