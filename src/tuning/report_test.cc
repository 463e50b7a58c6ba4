#include "tuning/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sarai::tuning {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

policy::TuningScore Score(size_t candidate, double rate, bool within = true) {
  return {.candidate = candidate,
          .clients = 4,
          .outcome = {.requests_per_second = rate,
                      .p50 = milliseconds(2),
                      .p99 = milliseconds(5),
                      .memory_bytes = 1 << 20},
          .within_limits = within};
}

TuneReport Report() {
  TuneReport report{.model = "m<1>",
                    .candidates = {{"as it is", {}}, {"2 instances", {}}, {"9 instances", {}}},
                    .ranking = {Score(1, 300), Score(0, 200), {.candidate = 2}},
                    .trials = 7};
  report.candidates[1].config.set_max_batch_size(8);
  report.ranking[2].outcome.failure = "no memory";
  return report;
}

TEST(TuneReport, TheTableHasTheBestTheGivenAndTheGain) {
  const std::string text = TableText(Report(), 1);
  EXPECT_THAT(text, HasSubstr("300.0"));
  EXPECT_THAT(text, HasSubstr("as it is"));
  EXPECT_THAT(text, Not(HasSubstr("9 instances")));
  EXPECT_THAT(text, HasSubstr("Best: 2 instances; 1.50 times"));
  EXPECT_EQ(BestConfigText(Report()), "max_batch_size: 8\n");
}

TEST(TuneReport, SaysThatNothingKeepsTheLimits) {
  TuneReport report = Report();
  report.limits.p99_max = milliseconds(1);
  for (policy::TuningScore& score : report.ranking) score.within_limits = false;
  EXPECT_THAT(TableText(report, 3), HasSubstr("No configuration keeps the limits (p99 at most"));
}

TEST(TuneReport, ThePageStandsAloneAndEscapesWhatItIsGiven) {
  const std::string page = HtmlText(Report());
  EXPECT_THAT(page, HasSubstr("Tuning of m&lt;1&gt;"));
  EXPECT_THAT(page, HasSubstr("no memory"));
  EXPECT_THAT(page, HasSubstr("<svg"));
  EXPECT_THAT(page, Not(HasSubstr("http")));
}

}  // namespace
}  // namespace sarai::tuning
