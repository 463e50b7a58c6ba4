#include "telemetry/trace_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::telemetry {
namespace {

using ::testing::HasSubstr;

TraceTable Updated(TraceTable table, const std::string& model, const TraceSettingTexts& changes) {
  auto result = UpdateTrace(std::move(table), model, changes);
  EXPECT_TRUE(result.has_value());
  return result.value_or(TraceTable{});
}

TEST(TraceSettings, AModelsComeBeforeTheServersAndThoseBeforeTheStarts) {
  TraceTable table{.start = {.rate = 10}};
  EXPECT_FALSE(table.any());
  table = Updated(table, "m", {{"trace_rate", {"3"}}, {"trace_level", {"TIMESTAMPS"}}});
  table = Updated(table, "", {{"trace_rate", {"5"}}, {"trace_count", {"7"}}});
  EXPECT_TRUE(table.any());
  EXPECT_EQ(table.Of("m").rate, 3u);
  EXPECT_EQ(table.Of("m").count, 7);
  EXPECT_EQ(table.Of("other").rate, 5u);
  EXPECT_TRUE(table.Of("other").level.off());
}

TEST(TraceSettings, AnEmptyListGoesBackToWhatIsAbove) {
  TraceTable table{.start = {.rate = 10}};
  table = Updated(table, "m", {{"trace_rate", {"3"}}});
  table = Updated(table, "", {{"trace_rate", {"5"}}});
  table = Updated(table, "m", {{"trace_rate", {}}});
  EXPECT_EQ(table.Of("m").rate, 5u);
  EXPECT_TRUE(table.models.empty());
  table = Updated(table, "", {{"trace_rate", {}}});
  EXPECT_EQ(table.Of("m").rate, 10u);
}

TEST(TraceSettings, TheirTextIsTritons) {
  const TraceTable table = Updated({}, "", {{"trace_level", {"TIMESTAMPS", "TENSORS"}}});
  EXPECT_EQ(TraceTexts(table.Of("")), (TraceSettingTexts{{"trace_level", {"TIMESTAMPS", "TENSORS"}},
                                                         {"trace_rate", {"1000"}},
                                                         {"trace_count", {"-1"}},
                                                         {"log_frequency", {"0"}}}));
  EXPECT_EQ(TraceTexts({}).at("trace_level"), std::vector<std::string>{"OFF"});
}

TEST(TraceSettings, WhatIsWrongIsNamed) {
  struct Case {
    TraceSettingTexts changes;
    Code code;
    const char* says;
  };
  for (const Case& wrong : {
           Case{{{"trace_file", {"x"}}}, Code::kUnimplemented, "can not be updated"},
           Case{{{"trace_level", {"OFF", "TENSORS"}}}, Code::kInvalidArgument, "only one"},
           Case{{{"trace_level", {"SOME"}}}, Code::kInvalidArgument, "got: SOME"},
           Case{{{"trace_rate", {"often"}}}, Code::kInvalidArgument, "'trace_rate', got: often"},
           Case{{{"trace_rate", {"-1"}}}, Code::kInvalidArgument, "out of range"},
           Case{{{"trace_count", {"-2"}}}, Code::kInvalidArgument, "[ -1, 2147483647 ], got: -2"},
           Case{{{"log_frequency", {"99999999999"}}}, Code::kInvalidArgument, "log_frequency"},
       }) {
    const auto result = UpdateTrace({}, "", wrong.changes);
    ASSERT_FALSE(result.has_value()) << wrong.says;
    EXPECT_EQ(result.error().code(), wrong.code);
    EXPECT_THAT(result.error().message(), HasSubstr(wrong.says));
  }
}

}  // namespace
}  // namespace sarai::telemetry
