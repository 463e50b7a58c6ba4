#include "loadgen/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

#include "loadgen/report.h"

namespace sarai::loadgen {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

std::string ReportOf(const char* load, int answered, Duration latency, double server_cpu) {
  StepReport step;
  step.load = load;
  step.seconds = 1;
  step.server_cpu_seconds = server_cpu;
  for (int i = 0; i < answered; ++i) step.tally.Record({.latency = latency});
  step.all = step.tally.warm();
  Report report{.models = {"m"}};
  report.steps.push_back(std::move(step));
  return JsonText(report, 10);
}

TEST(Compare, TellsTheRatiosOfTheLoadsThatBothHave) {
  using std::chrono::milliseconds;
  const std::string before = ReportOf("1 client", 100, milliseconds(4), 0.1);
  const auto text = CompareText(before, ReportOf("1 client", 150, milliseconds(2), 0.3));
  ASSERT_TRUE(text) << text.error().message();
  EXPECT_THAT(*text, ContainsRegex("1 client +1.50 +0.50 +0.50 +0.50 +2.00"));
  EXPECT_THAT(CompareText(before, ReportOf("2 clients", 1, milliseconds(1), 0)).error().message(),
              HasSubstr("none of these loads"));
}

TEST(Compare, ABaselineThatIsNoReportIsNamed) {
  const std::string now = ReportOf("1 client", 1, Duration(5), 0);
  for (const char* const bad : {"", "[]", "{}", R"({"schema":"other/1","steps":[]})",
                                R"({"schema":"sarai-bench/1","steps":[{"load":"1 client"}]})"}) {
    const auto text = CompareText(bad, now);
    ASSERT_FALSE(text) << bad;
    EXPECT_THAT(text.error().message(), HasSubstr("baseline")) << bad;
    EXPECT_THAT(text.error().message(), Not(HasSubstr("none of these"))) << bad;
  }
}

}  // namespace
}  // namespace sarai::loadgen
