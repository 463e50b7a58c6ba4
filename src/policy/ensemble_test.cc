#include "policy/ensemble.h"

#include <gmock/gmock.h>

namespace sarai::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TensorSpec Fp32(std::string name, Shape dims) {
  return {.name = std::move(name), .type = DataType::kFp32, .dims = std::move(dims)};
}

// IN -> [a] -> MID -> [b] -> OUT
struct Chain {
  ModelSpec spec;
  std::vector<EnsembleMember> members;

  Chain() : members(2, {.inputs = {Fp32("x", {-1})}, .outputs = {Fp32("y", {4})}}) {
    spec.inputs = {Fp32("IN", {4})};
    spec.outputs = {Fp32("OUT", {4})};
    spec.ensemble = EnsembleSpec{
        .steps = {{.model = "a", .input_map = {{"x", "IN"}}, .output_map = {{"y", "MID"}}},
                  {.model = "b", .input_map = {{"x", "MID"}}, .output_map = {{"y", "OUT"}}}}};
  }
  std::vector<EnsembleStep>& steps() { return spec.ensemble->steps; }
};

TEST(Ensemble, AChainWithVariableDimensionsIsAccepted) {
  const Chain chain;
  const Status status = CheckEnsemble(chain.spec, chain.members);
  EXPECT_TRUE(status.ok()) << status.ToString();
}

struct Case {
  std::string name;
  void (*spoil)(Chain&);
  std::string says;
};

class Refused : public testing::TestWithParam<Case> {};

TEST_P(Refused, NamesWhatIsWrong) {
  Chain chain;
  GetParam().spoil(chain);
  const Status status = CheckEnsemble(chain.spec, chain.members);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Ensemble, Refused,
    testing::Values(
        Case{"NoSteps", [](Chain& c) { c.steps().clear(); }, "has no step"},
        Case{"TwoProducers", [](Chain& c) { c.steps()[1].output_map["y"] = "MID"; },
             "tensor 'MID' comes from step 0 (model 'a') and from step 1 (model 'b')"},
        Case{"RequestsTensorProduced", [](Chain& c) { c.steps()[0].output_map["y"] = "IN"; },
             "tensor 'IN' comes from the request"},
        Case{"OutputNotProduced", [](Chain& c) { c.steps()[1].output_map["y"] = "OTHER"; },
             "no step produces output 'OUT'"},
        Case{"Cycle", [](Chain& c) { c.steps()[0].input_map["x"] = "OUT"; },
             "step 0 (model 'a') can never start: its input 'x' reads tensor 'OUT'"},
        Case{"InputNotProduced", [](Chain& c) { c.steps()[1].input_map["x"] = "NONE"; },
             "step 1 (model 'b') can never start"},
        Case{"InputNotMapped", [](Chain& c) { c.members[1].inputs.push_back(Fp32("z", {1})); },
             "step 1 (model 'b') does not map input 'z'"},
        Case{"NoSuchInput", [](Chain& c) { c.steps()[0].input_map["q"] = "IN"; },
             "step 0 (model 'a') has no input 'q'"},
        Case{"NoSuchOutput", [](Chain& c) { c.steps()[0].output_map["q"] = "MORE"; },
             "step 0 (model 'a') has no output 'q'"},
        Case{"Types", [](Chain& c) { c.members[1].inputs[0].type = DataType::kInt32; },
             "tensor 'MID' is FP32 to step 0 (model 'a'), but INT32 to step 1"},
        Case{"Shapes", [](Chain& c) { c.members[1].inputs[0].dims = {5}; },
             "tensor 'MID' has shape [4]"},
        Case{"Ranks", [](Chain& c) { c.members[1].inputs[0].dims = {-1, -1}; },
             "tensor 'MID' has shape [4]"},
        Case{"InputUnused", [](Chain& c) { c.spec.inputs.push_back(Fp32("MORE", {4})); },
             "ensemble input 'MORE' is not used"},
        Case{"TensorUnused",
             [](Chain& c) {
               c.members[0].outputs.push_back(Fp32("z", {4}));
               c.steps()[0].output_map["z"] = "MORE";
             },
             "ensemble tensor 'MORE' is unused: step 0 (model 'a') makes it"},
        Case{"DecoupledMeetsTheRequest",
             [](Chain& c) {
               c.members[0].decoupled = true;
               c.members[1].inputs.push_back(Fp32("z", {4}));
               c.steps()[1].input_map["z"] = "IN";
             },
             "step 1 (model 'b') receives inputs originated from different decoupled models: "
             "'MID' and 'IN'"},
        Case{"OutputsOfDifferentOrigins",
             [](Chain& c) {
               c.members[1].decoupled = true;
               c.spec.outputs.push_back(Fp32("MID", {4}));
             },
             "the ensemble's answer receives inputs originated from different decoupled models: "
             "'OUT' and 'MID'"},
        Case{"BatchSize",
             [](Chain& c) {
               c.spec.max_batch_size = 8;
               c.members[0].max_batch_size = 4;
             },
             "max_batch_size is 8, but step 0 (model 'a') allows only 4"}),
    [](const auto& info) { return info.param.name; });

TEST(Ensemble, AMembersBatchDimensionIsPartOfTheTensorOfAnEnsembleThatDoesNotBatch) {
  Chain chain;
  for (auto& member : chain.members) member.max_batch_size = 8;
  chain.spec.inputs = {Fp32("IN", {-1, 4})};
  chain.spec.outputs = {Fp32("OUT", {2, 4})};
  EXPECT_TRUE(CheckEnsemble(chain.spec, chain.members).ok());
}

TEST(Ensemble, OptionalInputsNeedNotBeMapped) {
  Chain chain;
  chain.members[1].inputs.push_back({.name = "z", .type = DataType::kFp32, .optional = true});
  EXPECT_TRUE(CheckEnsemble(chain.spec, chain.members).ok());
}

TEST(Ensemble, MembersThatBatchAndMembersThatDoNotShareATensorWhoseDimsFit) {
  Chain chain;
  chain.members[1].max_batch_size = 8;
  EXPECT_TRUE(CheckEnsemble(chain.spec, chain.members).ok());
}

TEST(Ensemble, ADecoupledStepMayFollowAnother) {
  Chain chain;
  for (auto& member : chain.members) member.decoupled = true;
  EXPECT_TRUE(CheckEnsemble(chain.spec, chain.members).ok());
}

TEST(Ensemble, WhatOneResponseOfADecoupledStepCarriesMeetsAgain) {
  Chain chain;
  chain.members[0].decoupled = true;
  chain.members[0].outputs.push_back(Fp32("z", {4}));
  chain.steps()[0].output_map["z"] = "SIDE";
  chain.members[1].inputs.push_back(Fp32("z", {4}));
  chain.steps()[1].input_map["z"] = "SIDE";
  EXPECT_TRUE(CheckEnsemble(chain.spec, chain.members).ok());
}

TEST(Ensemble, AMemberThatIsNotKnownYetIsTakenAtTheConfigurationsWord) {
  Chain chain;
  chain.members[0] = {.known = false};
  EXPECT_TRUE(CheckEnsemble(chain.spec, chain.members).ok());
}

TEST(Ensemble, OnlyStepsThatAWantedOutputNeedsRun) {
  Chain chain;
  chain.steps().push_back(
      {.model = "c", .input_map = {{"x", "IN"}}, .output_map = {{"y", "SIDE"}}});
  EXPECT_THAT(NeededSteps(chain.spec, {"OUT"}), ElementsAre(true, true, false));
  EXPECT_THAT(NeededSteps(chain.spec, {"SIDE"}), ElementsAre(false, false, true));
  EXPECT_THAT(NeededSteps(chain.spec, {}), ElementsAre(true, true, true));
}

TEST(Ensemble, ABatchOfOneIsPutOnAndTakenOffBetweenModelsThatBatchAndThatDoNot) {
  const Shape dims = {4};
  EXPECT_THAT(PassedOnShape(dims, true, false, {4}), ElementsAre(1, 4));
  EXPECT_THAT(PassedOnShape(dims, true, false, {3, 4}), ElementsAre(3, 4));
  EXPECT_THAT(PassedOnShape(dims, false, true, {1, 4}), ElementsAre(4));
  EXPECT_THAT(PassedOnShape(dims, false, true, {3, 4}), ElementsAre(3, 4));
  EXPECT_THAT(PassedOnShape(dims, true, true, {1, 4}), ElementsAre(1, 4));
}

TEST(EnsembleProgress, IndependentStepsStartAtOnceAndAJoinWaitsForBoth) {
  const EnsembleSpec spec{
      .steps = {{.model = "join", .input_map = {{"l", "L"}, {"r", "R"}}},
                {.model = "left", .input_map = {{"x", "IN"}}, .output_map = {{"y", "L"}}},
                {.model = "right", .input_map = {{"x", "IN"}}, .output_map = {{"y", "R"}}}}};
  EnsembleProgress progress(spec);
  EXPECT_THAT(progress.Known({"IN"}), ElementsAre(1, 2));
  EXPECT_THAT(progress.Known({"R"}), IsEmpty());
  EXPECT_EQ(progress.waiting(), 1);
  EXPECT_THAT(progress.Known({"L"}), ElementsAre(0));
  EXPECT_EQ(progress.waiting(), 0);
}

TEST(EnsembleProgress, AStepStartsOnce) {
  const Chain chain;
  EnsembleProgress progress(*chain.spec.ensemble);
  EXPECT_THAT(progress.Known({"IN"}), ElementsAre(0));
  EXPECT_THAT(progress.Known({"IN"}), IsEmpty());
}

}  // namespace
}  // namespace sarai::policy
