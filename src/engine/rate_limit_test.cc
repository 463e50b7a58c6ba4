// Runs that share resources (Triton's rate limiter), over real lanes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/testing/engine_fixture.h"

namespace sarai::engine {
namespace {

using testing::HasSubstr;

constexpr char kNeedsOne[] =
    "max_batch_size: 8 instance_group { rate_limiter { resources { name: 'R' count: 1 } } }";

class RateLimitTest : public EngineTest {
 protected:
  RateLimitTest()
      : EngineTest({.lanes = 4,
                    .run_here_median_max = Duration{0},
                    .rate_limit = true,
                    .rate_limit_resources = {{"R", {{-1, 1}}}}}) {}
};

TEST_F(RateLimitTest, ModelsThatShareAResourceRunOneAfterTheOther) {
  const ModelHandle a = Load("a", kNeedsOne), b = Load("b", kNeedsOne), free = Load("free");
  fake->Hold();
  for (int i = 0; i < 10; ++i) {
    Send(a, 1);
    Send(b, 1);
  }
  Send(free, 1);
  fake->WaitUntilHeld(2);  // one of a and b, and the one that needs nothing
  EXPECT_EQ(fake->peak_concurrency(), 2);
  fake->Release();
  answers.WaitForAll();
  for (const auto& answer : answers.all()) EXPECT_TRUE(answer);
  EXPECT_EQ(fake->peak_concurrency(), 2);
}

TEST_F(RateLimitTest, RefusesToLoadWhatCouldNeverRun) {
  const auto loaded = TryLoad("m", Config("max_batch_size: 8 instance_group { rate_limiter { "
                                          "resources { name: 'R' count: 2 } } }"));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code(), Code::kInvalidArgument);
  EXPECT_THAT(loaded.error().message(), HasSubstr("needs 2 of resource 'R'"));
  fake->WaitUntilNoneLive();
}

TEST_F(RateLimitTest, AnUnloadedModelLeavesItsResourceToOthers) {
  const ModelHandle a = Load("a", kNeedsOne), b = Load("b", kNeedsOne);
  fake->Hold();
  Send(a, 1);
  fake->WaitUntilHeld(1);
  Send(b, 1);
  engine->Unload(a, {});
  fake->Release();
  answers.WaitForAll();
  for (const auto& answer : answers.all()) EXPECT_TRUE(answer);
}

}  // namespace
}  // namespace sarai::engine
