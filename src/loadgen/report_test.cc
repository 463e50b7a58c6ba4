#include "loadgen/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/plot.h"
#include "wire/json/json.h"

namespace sarai::loadgen {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

void Add(Tally& tally, int count, Duration latency, Warmth warmth = Warmth::kWarm,
         size_t model = 0) {
  for (int i = 0; i < count; ++i)
    tally.Record(
        {.model = model, .intended = milliseconds(10 * i), .latency = latency, .warmth = warmth});
}

Report Sample() {
  Report report{.target = "http://h:1, KServe over HTTP",
                .workload = "2 models",
                .cold_by = "the server",
                .models = {"a", "b"}};
  StepReport step;
  step.load = "4 clients";
  step.clients = 4;
  step.seconds = 2;
  Add(step.tally, 90, milliseconds(1));
  Add(step.tally, 10, milliseconds(200), Warmth::kCold, 1);
  step.tally.Record({.model = 1, .error = "HTTP 503", .detail = "busy \"now\""});
  step.all = step.tally.warm();
  step.all.Merge(step.tally.cold());
  report.steps.push_back(std::move(step));
  return report;
}

TEST(Tally, WarmAndColdAreApart) {
  const Report report = Sample();
  const Tally& tally = report.steps[0].tally;
  EXPECT_EQ(tally.warm().count(), 90u);
  EXPECT_EQ(tally.cold().count(), 10u);
  EXPECT_EQ(tally.failed(), 1u);
  EXPECT_EQ(tally.models().at(1).cold, 10u);
  EXPECT_EQ(tally.models().at(1).errors, 1u);
}

TEST(Tally, ALongStepHasAsManySlicesAsAShortOneOnlyLonger) {
  Tally tally({.slice = milliseconds(10), .max_slices = 8});
  for (int second = 0; second < 100; ++second)
    tally.Record({.intended = seconds(second), .latency = milliseconds(1)});
  EXPECT_LE(tally.slices().size(), 8u);
  EXPECT_GE(tally.slice_length() * 8, seconds(100));
  uint64_t count = 0;
  for (const Slice& slice : tally.slices()) count += slice.latency.count();
  EXPECT_EQ(count, 100u);
}

TEST(Tally, SamplesAndKindsOfErrorsAreBounded) {
  Tally tally({.max_samples = 10, .max_error_kinds = 3});
  Add(tally, 1000, milliseconds(1));
  EXPECT_EQ(tally.warm_samples().size(), 10u);
  for (int kind = 0; kind < 100; ++kind) tally.Record({.error = std::to_string(kind)});
  EXPECT_LE(tally.errors().size(), 4u);
  EXPECT_EQ(tally.errors().at("other").count, 97u);
}

TEST(Report, JsonKeepsToItsSchema) {
  const auto parsed = json::ParseObject(JsonText(Sample(), 10));
  ASSERT_TRUE(parsed) << parsed.error().message();
  const json::ObjectView view(*parsed);
  EXPECT_EQ(*view.RequireString("schema"), "sarai-bench/1");
  const auto steps = *view.Children("steps");
  ASSERT_EQ(steps.size(), 1u);
  EXPECT_EQ(*steps[0].RequireInt("clients"), 4);
  EXPECT_EQ(*steps[0].RequireInt("answered"), 100);
  EXPECT_EQ(*steps[0].RequireInt("failed"), 1);
  EXPECT_DOUBLE_EQ(*steps[0].RequireDouble("requests_per_second"), 50);
  const auto latency = **steps[0].Child("latency");
  EXPECT_NEAR(*(*latency.Child("warm"))->RequireDouble("p99_ms"), 1, 0.01);
  EXPECT_NEAR(*(*latency.Child("cold"))->RequireDouble("p50_ms"), 200, 0.2);
  EXPECT_NEAR(*(*latency.Child("all"))->RequireDouble("p90_ms"), 1, 0.01);
  const auto errors = **steps[0].Child("errors");
  EXPECT_EQ(*(*errors.Child("HTTP 503"))->RequireInt("count"), 1);
  EXPECT_EQ(steps[0].Children("models")->size(), 2u);
  EXPECT_FALSE(steps[0].Children("timeline")->empty());
}

TEST(Report, TheTableNamesTheErrorsAndTheModels) {
  const std::string text = TableText(Sample(), 10);
  for (const char* const part : {"4 clients: 50 req/s", "warm", "cold", "200 ms", "HTTP 503",
                                 "busy \"now\"", "cold as told by the server"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(Report, AGeneratorThatWasTheLimitSaysSo) {
  StepReport step;
  step.seconds = 10;
  step.client_cpu_seconds = 5;
  Add(step.tally, 100, milliseconds(1));
  EXPECT_THAT(Warnings(step), IsEmpty());
  step.client_cpu_seconds = 9.5;
  EXPECT_THAT(Warnings(step), ElementsAre(HasSubstr("the generator itself was the limit")));
  step.client_threads = 2;
  EXPECT_THAT(Warnings(step), IsEmpty());
  step.open_loop = true;
  step.sent_late = 2;
  EXPECT_THAT(Warnings(step), ElementsAre(HasSubstr("late")));
  step.tally.RecordRefused(Duration(0));
  EXPECT_EQ(Warnings(step).size(), 2u);
  EXPECT_NEAR(step.error_rate(), 1.0 / 101, 1e-9);
}

TEST(Report, DurationsReadWithThreeDigits) {
  const struct {
    int64_t ns;
    const char* text;
  } kCases[] = {{0, "0.00 us"},
                {1'234, "1.23 us"},
                {12'345, "12.3 us"},
                {123'456, "123 us"},
                {999'499, "999 us"},
                {999'500, "1.00 ms"},
                {9'996'000, "10.0 ms"},
                {99'960'000, "100 ms"},
                {1'500'000'000, "1.50 s"},
                {61'000'000'000, "61.0 s"}};
  for (const auto& [ns, text] : kCases) EXPECT_EQ(DurationText(Duration(ns)), text) << ns;
}

TEST(Plot, PicturesOfNothingDoNotFail) {
  EXPECT_EQ(TerminalPlot({}), "");
  EXPECT_THAT(SvgText({}), HasSubstr("</svg>"));
  Report report = Sample();
  report.steps[0].tally = Tally(TallyOptions());
  report.steps[0].all = Histogram();
  EXPECT_THAT(SvgText(report), HasSubstr("</svg>"));
}

TEST(Plot, TheSvgMarksColdRequestsAndEscapesNames) {
  Report report = Sample();
  report.workload = "a < b & \"c\"";
  const std::string svg = SvgText(report);
  EXPECT_THAT(svg, HasSubstr("a &lt; b &amp; &quot;c&quot;"));
  EXPECT_THAT(svg, HasSubstr("class=\"cold\""));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(TerminalPlot(report), HasSubstr("p99"));
}

}  // namespace
}  // namespace sarai::loadgen
