// The event log, the utilisation meter, the metrics, a folder's fingerprint.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "instance/event_log.h"
#include "instance/instance_metrics.h"
#include "instance/model_folder.h"
#include "instance/utilization_meter.h"
#include "store/test_archive.h"

namespace sarai::instance {
namespace {

using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

TEST(EventLog, KeepsTheNewestAndNumbersThemWithoutGaps) {
  EventLog log(3);
  for (int i = 1; i <= 5; ++i) log.Add({.model = std::to_string(i)});
  const auto all = log.Since(0);
  ASSERT_EQ(all.size(), 3u);
  EXPECT_EQ(all.front().model, "3");
  EXPECT_EQ(all.back().sequence, 5u);
  EXPECT_EQ(log.Since(4).size(), 1u);
  EXPECT_TRUE(log.Since(5).empty());
  EXPECT_EQ(log.Since(1000).size(), 3u);  // a reader from before a restart
}

TEST(UtilizationMeter, SumsProcessorsAndAveragesLanesOverItsWindow) {
  UtilizationMeter meter(seconds(10));
  const TimePoint start{seconds(100)};
  meter.Add(start, {{1, 5.0}}, 0.9);
  EXPECT_EQ(meter.cpu_percent(), 0);
  meter.Add(start + seconds(2), {{1, 6.0}, {2, 50.0}}, 0.5);  // a host that just appeared
  EXPECT_DOUBLE_EQ(meter.cpu_percent(), 50);
  EXPECT_DOUBLE_EQ(meter.lane_percent(), 50);
  meter.Add(start + seconds(4), {{1, 8.0}, {2, 51.0}}, 1.0);
  EXPECT_DOUBLE_EQ(meter.cpu_percent(), 100);
  EXPECT_DOUBLE_EQ(meter.lane_percent(), 75);
  meter.Add(start + seconds(60), {{1, 8.0}}, 0.0);  // the host is gone, what was is forgotten
  EXPECT_DOUBLE_EQ(meter.cpu_percent(), 0);
}

TEST(InstanceMetrics, BoundsTheNumberOfModelsWithSeriesOfTheirOwn) {
  InstanceMetrics metrics(2);
  for (const char* model : {"a", "b", "c", "d", "a"})
    metrics.CountRequest(*metrics.OfModel(model), true, std::chrono::milliseconds(1));
  metrics.SetModelGauges({{"a", {10, 0}}, {"c", {5, 1}}, {"d", {6, 0}}});
  const std::string text = metrics.Render();
  EXPECT_THAT(text, HasSubstr("sarai_model_requests_total{model=\"a\"} 2"));
  EXPECT_THAT(text, HasSubstr("sarai_model_requests_total{model=\"(other)\"} 2"));
  EXPECT_THAT(text, Not(HasSubstr("model=\"c\"")));
  EXPECT_THAT(text, HasSubstr("sarai_model_memory_bytes{model=\"(other)\"} 11"));
}

TEST(LookAtFolder, ChangesItsFingerprintWithAnyFile) {
  store::TestFolder folder;
  folder.Write("config.pbtxt", "a");
  folder.Write("1/model.txt", "12345");
  const auto before = LookAtFolder(folder.path());
  ASSERT_TRUE(before);
  EXPECT_EQ(before->bytes, 6u);
  EXPECT_EQ(LookAtFolder(folder.path())->fingerprint, before->fingerprint);
  folder.Write("1/labels.txt", "");
  EXPECT_NE(LookAtFolder(folder.path())->fingerprint, before->fingerprint);
  EXPECT_FALSE(LookAtFolder(folder.path("none")));
}

}  // namespace
}  // namespace sarai::instance
