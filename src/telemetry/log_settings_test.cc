#include "telemetry/log_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::telemetry {
namespace {

using ::testing::HasSubstr;

TEST(LogSettings, ChangeWhatTheyNameAndNothingElse) {
  const auto switches = UpdateLog(
      {.warning = false},
      {{"log_info", false}, {"log_verbose_level", 2u}, {"log_format", std::string("ISO8601")}});
  ASSERT_TRUE(switches.has_value());
  EXPECT_EQ(LogValues(*switches, "f"), (LogSettingValues{{"log_file", std::string("f")},
                                                         {"log_info", false},
                                                         {"log_warning", false},
                                                         {"log_error", true},
                                                         {"log_verbose_level", 2u},
                                                         {"log_format", std::string("ISO8601")}}));
}

TEST(LogSettings, WhatIsWrongIsNamed) {
  struct Case {
    LogSettingValues changes;
    Code code;
    const char* says;
  };
  for (const Case& wrong :
       {Case{{{"log_file", std::string("x")}}, Code::kUnimplemented, "can not be updated"},
        Case{{{"log_info", 1u}}, Code::kInvalidArgument, "'log_info' must be true or false"},
        Case{{{"log_verbose_level", true}}, Code::kInvalidArgument, "'log_verbose_level'"},
        Case{{{"log_format", std::string("xml")}}, Code::kInvalidArgument, "got: xml"},
        Case{{{"log_colour", true}}, Code::kInvalidArgument, "no log setting 'log_colour'"}}) {
    const auto result = UpdateLog({}, wrong.changes);
    ASSERT_FALSE(result.has_value()) << wrong.says;
    EXPECT_EQ(result.error().code(), wrong.code);
    EXPECT_THAT(result.error().message(), HasSubstr(wrong.says));
  }
}

}  // namespace
}  // namespace sarai::telemetry
