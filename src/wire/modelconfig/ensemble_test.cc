// ensemble_scheduling and response_cache: what is accepted, and what it becomes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/modelconfig/testing/configs.h"

namespace sarai::modelconfig {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr char kStep[] =
    "step { model_name: 'a' model_version: -1 input_map { key: 'x' value: 'IN' } output_map { "
    "key: 'y' value: 'OUT' } }";

inference::ModelConfig OfPlatform(std::string_view platform, std::string_view more) {
  return Config(fmt::format("name: 'e' {} {}", platform, more));
}

inference::ModelConfig Ensemble(std::string_view steps, std::string_view more = "") {
  return OfPlatform("platform: 'ensemble'",
                    fmt::format("ensemble_scheduling {{ {} }} {}", steps, more));
}

TEST(EnsembleConfiguration, NeedsNoBackendAndGetsNoInstanceGroup) {
  auto config = Ensemble(kStep);
  ASSERT_TRUE(Autofill(config, "e", {}).ok());
  Normalize(config);
  EXPECT_EQ(Validate(config).ToString(), "ok");
  EXPECT_EQ(config.instance_group_size(), 0);
  EXPECT_EQ(config.backend(), "");
}

TEST(EnsembleConfiguration, BecomesStepsInOrder) {
  const auto spec = ToSpec(
      Ensemble(fmt::format("{} step {{ model_name: 'b' model_version: 3 input_map {{ key: 'x' "
                           "value: 'OUT' }} output_map {{ key: 'y' value: 'END' }} }} "
                           "max_inflight_requests: 4",
                           kStep)),
      1, "/models/e");
  ASSERT_TRUE(spec) << spec.error().message();
  ASSERT_TRUE(spec->ensemble);
  const auto& steps = spec->ensemble->steps;
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].model, "a");
  EXPECT_EQ(steps[0].version, "");
  EXPECT_THAT(steps[0].input_map, ElementsAre(Pair("x", "IN")));
  EXPECT_THAT(steps[0].output_map, ElementsAre(Pair("y", "OUT")));
  EXPECT_EQ(steps[1].version, "3");
  EXPECT_EQ(spec->ensemble->max_inflight_requests, 4u);
}

TEST(EnsembleConfiguration, SaysWhatIsWrong) {
  const std::vector<std::pair<inference::ModelConfig, std::string>> cases = {
      {OfPlatform("platform: 'ensemble'", ""), "must have ensemble_scheduling"},
      {OfPlatform("backend: 'onnxruntime'", fmt::format("ensemble_scheduling {{ {} }}", kStep)),
       "needs platform: \"ensemble\""},
      {Ensemble(""), "needs one step"},
      {Ensemble(kStep, "backend: 'onnxruntime'"), "must not name a backend"},
      {Ensemble(kStep, "instance_group { count: 1 }"), "must not have an instance_group"},
      {Ensemble(kStep, "optimization { priority: PRIORITY_MAX }"), "must not have optimization"},
      {Ensemble(kStep, "model_warmup { name: 'w' }"), "must not have model_warmup"},
      {Ensemble("step { input_map { key: 'x' value: 'IN' } }"), "step 0 (model ''): it has no mod"},
      {Ensemble("step { model_name: 'a' }"), "step 0 (model 'a'): it has no input_map"},
      {Ensemble("step { model_name: 'a' input_map { key: 'x' value: 'IN' } }"), "no output_map"},
  };
  for (const auto& [config, says] : cases) {
    const Status status = Validate(config);
    EXPECT_FALSE(status.ok()) << says;
    EXPECT_THAT(status.message(), HasSubstr(says));
  }
}

TEST(ResponseCacheConfiguration, BelongsToModelsWhoseAnswersDependOnOneRequest) {
  const auto spec = ToSpec(OfPlatform("backend: 'b'", "response_cache { enable: true }"), 1, "/m");
  ASSERT_TRUE(spec);
  EXPECT_TRUE(spec->response_cache);
  for (const char* more :
       {"model_transaction_policy { decoupled: true }", "sequence_batching { }"}) {
    const Status status = Validate(
        OfPlatform("backend: 'b'", fmt::format("response_cache {{ enable: true }} {}", more)));
    EXPECT_THAT(status.message(), HasSubstr("response_cache must be off")) << more;
  }
}

}  // namespace
}  // namespace sarai::modelconfig
