#include "telemetry/metrics.h"

#include <limits>
#include <thread>

#include <gmock/gmock.h>

namespace sarai::telemetry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(Metrics, CountersOnlyGrow) {
  Counter counter;
  counter.Add();
  counter.Add(2.5);
  counter.Add(-1);
  counter.Add(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(counter.value(), 3.5);
}

TEST(Metrics, NoUpdateIsLostBetweenThreads) {
  Counter counter;
  Gauge gauge;
  Histogram histogram({1});
  const auto update = [&] {
    for (int i = 0; i < 20000; ++i) {
      counter.Add();
      gauge.Add(-1);
      histogram.Observe(i % 2 == 0 ? 0.5 : 1.5);
    }
  };
  std::thread other(update);
  update();
  other.join();
  EXPECT_EQ(counter.value(), 40000);
  EXPECT_EQ(gauge.value(), -40000);
  EXPECT_THAT(histogram.counts(), ElementsAre(20000, 20000));
  EXPECT_EQ(histogram.sum(), 40000);
}

TEST(Metrics, BoundBelongsToItsBucket) {
  Histogram histogram({1, 2});
  for (double value : {0.0, 1.0, 1.5, 2.0, 2.1}) histogram.Observe(value);
  EXPECT_THAT(histogram.counts(), ElementsAre(2, 2, 1));
}

TEST(Metrics, SameNameAndLabelsAreTheSameSeriesInAnyOrder) {
  Registry registry;
  const auto a = registry.GetCounter("c", "help", {{"x", "1"}, {"y", "2"}});
  EXPECT_EQ(registry.GetCounter("c", "other", {{"y", "2"}, {"x", "1"}}), a);
  EXPECT_NE(registry.GetCounter("c", "help", {{"x", "1"}}), a);
}

TEST(Metrics, NameTakenByAnotherTypeGivesAMetricThatIsNotShown) {
  Registry registry;
  registry.GetCounter("c", "help")->Add();
  registry.GetGauge("c", "help")->Set(9);
  EXPECT_THAT(registry.Render(), Not(HasSubstr("9")));
}

TEST(Metrics, RemovedSeriesIsGoneButItsHolderMayGoOn) {
  Registry registry;
  const auto gone = registry.GetCounter("c", "", {{"model", "a"}});
  registry.GetCounter("c", "", {{"model", "b"}});
  registry.Remove("model", "a");
  gone->Add();
  EXPECT_EQ(registry.Render(), "# TYPE c counter\nc_total{model=\"b\"} 0\n# EOF\n");
  registry.Remove("model", "b");
  EXPECT_EQ(registry.Render(), "# EOF\n");
}

// The text as the specification writes its examples.
TEST(OpenMetrics, RendersEveryTypeWithItsSuffixes) {
  Registry registry;
  registry.GetCounter("requests", "Requests answered.", {{"code", "200"}})->Add(3);
  registry.GetGauge("disk_bytes", "Bytes on disk.")->Set(1.5e9);
  const auto histogram = registry.GetHistogram("load_seconds", "Time of a load.", {0.25, 1});
  for (double value : {0.1, 0.5, 0.5, 7.0}) histogram->Observe(value);
  EXPECT_EQ(registry.Render(),
            "# TYPE disk_bytes gauge\n"
            "# UNIT disk_bytes bytes\n"
            "# HELP disk_bytes Bytes on disk.\n"
            "disk_bytes 1500000000\n"
            "# TYPE load_seconds histogram\n"
            "# UNIT load_seconds seconds\n"
            "# HELP load_seconds Time of a load.\n"
            "load_seconds_bucket{le=\"0.25\"} 1\n"
            "load_seconds_bucket{le=\"1.0\"} 3\n"
            "load_seconds_bucket{le=\"+Inf\"} 4\n"
            "load_seconds_count 4\n"
            "load_seconds_sum 8.1\n"
            "# TYPE requests counter\n"
            "# HELP requests Requests answered.\n"
            "requests_total{code=\"200\"} 3\n"
            "# EOF\n");
}

TEST(OpenMetrics, EscapesLabelsAndHelp) {
  Registry registry;
  registry.GetGauge("g", "a \"b\"\\\nc", {{"model", "x\"y\\z\n"}})->Set(1);
  EXPECT_EQ(registry.Render(),
            "# TYPE g gauge\n"
            "# HELP g a \\\"b\\\"\\\\\\nc\n"
            "g{model=\"x\\\"y\\\\z\\n\"} 1\n"
            "# EOF\n");
}

TEST(OpenMetrics, WritesNumbersThatAreNone) {
  Registry registry;
  registry.GetGauge("a", "")->Set(std::numeric_limits<double>::infinity());
  registry.GetGauge("b", "")->Set(-std::numeric_limits<double>::infinity());
  registry.GetGauge("c", "")->Set(std::numeric_limits<double>::quiet_NaN());
  const std::string text = registry.Render();
  EXPECT_THAT(text, HasSubstr("a +Inf\n"));
  EXPECT_THAT(text, HasSubstr("b -Inf\n"));
  EXPECT_THAT(text, HasSubstr("c NaN\n"));
}

TEST(OpenMetrics, EmptyRegistryIsStillAnExposition) { EXPECT_EQ(Registry().Render(), "# EOF\n"); }

TEST(Registry, PrometheusNamesACounterAsItsSamples) {
  Registry registry;
  registry.GetCounter("loads", "Loads", {{"model", "a"}})->Add(2);
  registry.GetGauge("used_bytes", "Used")->Set(3);
  EXPECT_EQ(registry.RenderPrometheus(),
            "# TYPE loads_total counter\n# HELP loads_total Loads\nloads_total{model=\"a\"} 2\n"
            "# TYPE used_bytes gauge\n# HELP used_bytes Used\nused_bytes 3\n");
}

}  // namespace
}  // namespace sarai::telemetry
