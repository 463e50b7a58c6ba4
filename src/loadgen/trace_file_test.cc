#include "loadgen/trace_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::loadgen {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Trace, ModelsWithoutTimesKeepTheirOrder) {
  const auto trace = ParseTrace("model,exec_s\r\n7,22\r\n3,18\r\n7,1\r\n");
  ASSERT_TRUE(trace);
  EXPECT_THAT(trace->models, ElementsAre("7", "3"));
  EXPECT_THAT(trace->order, ElementsAre(0, 1, 0));
  EXPECT_TRUE(trace->at.empty());
}

TEST(Trace, TimesCountFromTheFirst) {
  const auto trace = ParseTrace("timestamp,model\n# a remark\n100.5,a\n100.75,b\n\n");
  ASSERT_TRUE(trace);
  EXPECT_THAT(trace->at, ElementsAre(milliseconds(0), milliseconds(250)));
  const auto in_ms = ParseTrace("at_ms\n5\n6\n");
  ASSERT_TRUE(in_ms);
  EXPECT_THAT(in_ms->at, ElementsAre(milliseconds(0), milliseconds(1)));
  EXPECT_TRUE(in_ms->order.empty());
}

TEST(Trace, FaultsAreNamedByLine) {
  const struct {
    const char *csv, *message;
  } kCases[] = {
      {"", "holds no request"},
      {"model\n", "holds no request"},
      {"a,b\n1,2\n", "names neither a column `model`"},
      {"model,at_s\nx,1\n,2\n", "line 3 of the trace names no model"},
      {"model,at_s\nx\n", "line 2 of the trace has no number"},
      {"model,at_s\nx,soon\n", "line 2 of the trace has no number"},
      {"at_s\n2\n1\n", "line 3 of the trace is earlier"},
      {"at_s\n0\n1e12\n", "line 3 of the trace is 30 years off"},
  };
  for (const auto& [csv, message] : kCases) {
    const auto trace = ParseTrace(csv);
    ASSERT_FALSE(trace) << csv;
    EXPECT_THAT(trace.error().message(), HasSubstr(message)) << csv;
  }
}

}  // namespace
}  // namespace sarai::loadgen
