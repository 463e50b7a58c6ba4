#include "policy/model_control.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace sarai::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using enum ControlMode;

TEST(ModelControl, SaysWhoMayServe) {
  struct Case {
    ControlMode mode;
    ControlState state;
    std::optional<Code> code;  // nothing: it may
    const char* says;
  };
  const std::vector<Case> cases = {
      {kOnDemand, {}, {}, ""},
      {kOnDemand, {.tried = true}, {}, ""},
      {kOnDemand, {.held = true, .tried = true}, Code::kNotFound, "was unloaded by request"},
      {kNone, {.wanted = true}, {}, ""},
      {kNone, {}, Code::kNotFound, "Request for unknown model: 'm' is not found"},
      {kExplicit, {}, Code::kNotFound, "Request for unknown model: 'm' is not found"},
      {kExplicit, {.wanted = true, .tried = true}, {}, ""},
      {kExplicit,
       {.held = true, .tried = true},
       Code::kNotFound,
       "Request for unknown model: 'm' has no available versions"},
      {kPoll, {.tried = true}, Code::kNotFound, "has no available versions"},
  };
  for (const Case& at : cases) {
    const Status status = MayServe(at.mode, "m", at.state);
    EXPECT_EQ(status.ok(), !at.code) << at.says;
    if (status.ok()) continue;
    EXPECT_EQ(status.code(), *at.code) << at.says;
    EXPECT_THAT(status.message(), HasSubstr(at.says));
  }
}

TEST(ModelControl, TakesLoadsAndUnloadsWhereTritonDoesAndOnDemand) {
  EXPECT_TRUE(MayControl(kOnDemand).ok());
  EXPECT_TRUE(MayControl(kExplicit).ok());
  for (const ControlMode mode : {kNone, kPoll}) {
    EXPECT_EQ(MayControl(mode).code(), Code::kUnavailable);
    EXPECT_THAT(MayControl(mode).message(), HasSubstr("explicit model load / unload"));
  }
}

TEST(ModelControl, SaysInTritonsWordsHowALoadFailed) {
  struct Case {
    LoadStage stage;
    Code code, heard;
    const char* says;
  };
  for (const Case& at : std::vector<Case>{
           {LoadStage::kLook, Code::kNotFound, Code::kInternal,
            "failed to load 'm', failed to poll from model repository: why"},
           {LoadStage::kLook, Code::kUnavailable, Code::kUnavailable, "failed to load 'm'"},
           {LoadStage::kLoad, Code::kDataLoss, Code::kInvalidArgument,
            "load failed for model 'm': why"},
           {LoadStage::kLoad, Code::kResourceExhausted, Code::kResourceExhausted,
            "load failed for model 'm': why"}}) {
    const Status heard = ExplainLoadFailure("m", at.stage, Status(at.code, "why"));
    EXPECT_EQ(heard.code(), at.heard) << at.says;
    EXPECT_THAT(heard.message(), HasSubstr(at.says));
  }
}

TEST(ModelControl, LoadsAtStartWhatTheModeSays) {
  const std::vector<std::string> listed = {"a", "b"};
  struct Case {
    ControlMode mode;
    std::vector<std::string> asked, expected;
    bool needs_list;
  };
  for (const Case& at : std::vector<Case>{{kOnDemand, {}, {}, false},
                                          {kOnDemand, {"a"}, {"a"}, false},
                                          {kNone, {}, {"a", "b"}, true},
                                          {kPoll, {"a"}, {"a", "b"}, true},
                                          {kExplicit, {}, {}, false},
                                          {kExplicit, {"b", "x"}, {"b", "x"}, false},
                                          {kExplicit, {"*"}, {"a", "b"}, true}}) {
    const auto names = ModelsAtStart(at.mode, at.asked, listed);
    ASSERT_TRUE(names);
    EXPECT_EQ(*names, at.expected);
    EXPECT_EQ(NeedsListAtStart(at.mode, at.asked), at.needs_list);
  }
  const auto both = ModelsAtStart(kExplicit, {"a", "*"}, listed);
  ASSERT_FALSE(both);
  EXPECT_THAT(both.error().message(), HasSubstr("must be the ONLY startup model"));
}

TEST(ModelControl, PollLoadsWhatIsNewReloadsWhatChangedAndUnloadsWhatIsGone) {
  const PollPlan plan = PlanPoll({{"changed", "1"}, {"gone", "1"}, {"same", "1"}},
                                 {{"changed", "2"}, {"new", "1"}, {"same", "1"}});
  EXPECT_THAT(plan.load, ElementsAre("new"));
  EXPECT_THAT(plan.reload, ElementsAre("changed"));
  EXPECT_THAT(plan.unload, ElementsAre("gone"));
}

TEST(ModelControl, PollOfWhatStayedAsItWasDoesNothing) {
  const PollPlan plan = PlanPoll({{"a", "1"}}, {{"a", "1"}});
  EXPECT_THAT(plan.load, IsEmpty());
  EXPECT_THAT(plan.reload, IsEmpty());
  EXPECT_THAT(plan.unload, IsEmpty());
}

TEST(ModelControl, NamesItsModes) {
  EXPECT_EQ(ParseControlMode("poll").value(), kPoll);
  EXPECT_EQ(ParseControlMode("on-demand").value(), kOnDemand);
  EXPECT_THAT(ParseControlMode("lazy").error().message(), HasSubstr("explicit or poll"));
}

}  // namespace
}  // namespace sarai::policy
