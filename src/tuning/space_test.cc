#include "tuning/space.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "wire/modelconfig/model_config.h"

namespace sarai::tuning {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

inference::ModelConfig Config(std::string_view text) {
  return modelconfig::ParseText(text, "config.pbtxt").value();
}

std::vector<std::string> TextsOf(const std::vector<Candidate>& candidates) {
  std::vector<std::string> texts;
  for (const Candidate& candidate : candidates) texts.push_back(candidate.text);
  return texts;
}

TEST(Space, EveryChoiceOfEveryPartIsACandidateAfterWhatIsThere) {
  const auto config = Config("backend: 'onnxruntime' max_batch_size: 8");
  const auto candidates = Candidates(config, config,
                                     {.instances = {1, 2},
                                      .batch_sizes = {0, 8, 16},
                                      .queue_delays_us = {0, 500},
                                      .threads = {1}});
  ASSERT_TRUE(candidates);
  EXPECT_THAT(TextsOf(*candidates),
              ElementsAre("as it is", "1 instance, no dynamic batching, 1 thread",
                          "1 instance, batches of 8 within 0 us, 1 thread",
                          "1 instance, batches of 8 within 500 us, 1 thread",
                          "2 instances, no dynamic batching, 1 thread",
                          "2 instances, batches of 8 within 0 us, 1 thread",
                          "2 instances, batches of 8 within 500 us, 1 thread"));
}

TEST(Space, ACandidateChangesNothingElse) {
  const auto config = Config(R"(
      backend: "onnxruntime" max_batch_size: 8
      instance_group { kind: KIND_CPU count: 4 host_policy: "p" }
      dynamic_batching { preferred_batch_size: 2 preserve_ordering: true }
      parameters { key: "enable_mem_pattern" value { string_value: "1" } })");
  const auto candidates =
      Candidates(config, config,
                 {.instances = {2}, .batch_sizes = {8}, .queue_delays_us = {500}, .threads = {1}});
  ASSERT_TRUE(candidates);
  EXPECT_EQ(modelconfig::ToText(candidates->front().config), modelconfig::ToText(config));
  const auto& changed = candidates->back().config;
  ASSERT_EQ(changed.instance_group_size(), 1);
  EXPECT_EQ(changed.instance_group(0).count(), 2);
  EXPECT_EQ(changed.instance_group(0).host_policy(), "p");
  EXPECT_THAT(changed.dynamic_batching().preferred_batch_size(), ElementsAre(8));
  EXPECT_EQ(changed.dynamic_batching().max_queue_delay_microseconds(), 500u);
  EXPECT_TRUE(changed.dynamic_batching().preserve_ordering());
  EXPECT_EQ(changed.parameters().at("enable_mem_pattern").string_value(), "1");
  EXPECT_EQ(changed.parameters().at("intra_op_thread_count").string_value(), "1");
}

TEST(Space, WhatAModelDoesNotHaveIsNotVaried) {
  struct Row {
    const char* config;
    const char* absent;
  };
  for (const Row& row :
       {Row{"backend: 'onnxruntime'", "batch"},
        Row{"backend: 'x' max_batch_size: 8 sequence_batching {}", "batch"},
        Row{"backend: 'x' max_batch_size: 8", "thread"}, Row{"backend: 'onnxruntime'", "bf16"}}) {
    const auto config = Config(row.config);
    Space space = DefaultSpace(2, 8);
    space.precisions = {"f32", "bf16"};
    const auto candidates = Candidates(config, config, space);
    ASSERT_TRUE(candidates);
    for (const std::string& text : TextsOf(*candidates))
      EXPECT_THAT(text, Not(HasSubstr(row.absent)));
  }
}

TEST(Space, RefusesEnsemblesAndTooManyCandidates) {
  const auto ensemble = Config("name: 'e' platform: 'ensemble' ensemble_scheduling {}");
  EXPECT_THAT(Candidates(ensemble, ensemble, DefaultSpace(2, 0)).error().message(),
              HasSubstr("tune its steps"));
  const auto config = Config("backend: 'onnxruntime' max_batch_size: 64");
  EXPECT_THAT(Candidates(config, config, DefaultSpace(64, 64), 10).error().message(),
              HasSubstr("more than 10"));
}

}  // namespace
}  // namespace sarai::tuning
