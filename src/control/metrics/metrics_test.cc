#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/metrics/instance_sampler.h"
#include "control/metrics/metric_keeper.h"
#include "control/metrics/metric_query.h"
#include "control/metrics/metric_recorder.h"
#include "control/metrics/metric_store.h"
#include "control/scratch_directory.h"
#include "control/test_fleet.h"

namespace sarai::control {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr EpochSeconds kDay = 24 * 3600;
constexpr EpochSeconds kStart = 1'700'000'040;  // a full minute

MetricSeries Series(std::string name, std::string unit = "None") {
  return {
      {"AWS/SageMaker", std::move(name), {{"EndpointName", "demo"}, {"VariantName", "AllTraffic"}}},
      std::move(unit)};
}

MetricSet Values(std::initializer_list<double> values) {
  MetricSet set;
  for (const double value : values) set.Add(value);
  return set;
}

MetricSample Sample(std::string name, double value, EpochSeconds at) {
  return {Series(std::move(name)).id, "None", WallTime(seconds(at)), Values({value})};
}

class MetricStoreTest : public testing::Test {
 protected:
  std::unique_ptr<MetricStore> Open(size_t max_series = 100) {
    auto store = MetricStore::Open((directory_.path() / "metrics.db").string(), max_series);
    EXPECT_TRUE(store) << store.error().ToString();
    return std::move(*store);
  }
  static std::vector<MetricPoint> Read(MetricStore& store, const MetricSeries& series,
                                       EpochSeconds from = 0, EpochSeconds to = kStart + kDay) {
    auto found = store.Read(series.id, series.unit, from, to);
    EXPECT_TRUE(found);
    return found->contains(series) ? found->at(series) : std::vector<MetricPoint>();
  }

  ScratchDirectory directory_;
};

TEST_F(MetricStoreTest, WhatIsAddedIsThereAfterARestart) {
  ASSERT_EQ(*Open()->Add({{{Series("A"), kStart + 3}, Values({1, 5})}}), 0u);
  const auto store = Open();
  ASSERT_TRUE(store->Add({{{Series("A"), kStart + 9}, Values({3})}}));
  const auto points = Read(*store, Series("A"));
  ASSERT_THAT(points, SizeIs(1)) << "both are of the same ten seconds";
  EXPECT_EQ(points[0].start, kStart);
  EXPECT_EQ(points[0].values.count, 3);
  EXPECT_EQ(points[0].values.sum, 9);
  EXPECT_NEAR(*points[0].values.Percentile(50), 3, 0.05);
}

TEST_F(MetricStoreTest, AReadTakesTheBeginAndLeavesTheEnd) {
  const auto store = Open();
  MetricStore::Batch batch;
  for (int i = 0; i < 3; ++i) batch[{Series("A"), kStart + i * 10}] = Values({1});
  ASSERT_TRUE(store->Add(batch));
  EXPECT_THAT(Read(*store, Series("A"), kStart, kStart + 20), SizeIs(2));
  EXPECT_THAT(Read(*store, Series("A", "Count")), IsEmpty());
}

TEST_F(MetricStoreTest, UnitsAreSeparateSeries) {
  const auto store = Open();
  ASSERT_TRUE(store->Add({{{Series("A", "Count"), kStart}, Values({1})},
                          {{Series("A", "None"), kStart}, Values({2})}}));
  EXPECT_THAT(*store->Read(Series("A").id, std::nullopt, 0, kStart + 60), SizeIs(2));
  EXPECT_THAT(*store->List({}, std::nullopt, 10), SizeIs(1)) << "but one metric";
}

TEST_F(MetricStoreTest, SeriesBeyondTheBoundAreLeftOutAndCounted) {
  const auto store = Open(1);
  EXPECT_EQ(
      *store->Add({{{Series("A"), kStart}, Values({1})}, {{Series("B"), kStart}, Values({1})}}),
      1u);
  EXPECT_THAT(*store->List({}, std::nullopt, 10), ElementsAre(Series("A").id));
}

TEST_F(MetricStoreTest, ListsWhatMatches) {
  const auto store = Open();
  MetricSeries other = Series("C");
  other.id.dimensions = {{"EndpointName", "other"}};
  ASSERT_TRUE(store->Add({{{Series("A"), kStart}, Values({1})},
                          {{Series("B"), kStart + 7200}, Values({1})},
                          {{other, kStart}, Values({1})}}));
  EXPECT_THAT(*store->List({.dimensions = {{"EndpointName", "demo"}}}, std::nullopt, 10),
              ElementsAre(Series("A").id, Series("B").id));
  EXPECT_THAT(*store->List({.name = "B"}, std::nullopt, 10), ElementsAre(Series("B").id));
  EXPECT_THAT(*store->List({.seen_since = kStart + 60}, std::nullopt, 10),
              ElementsAre(Series("B").id));
  EXPECT_THAT(*store->List({}, Series("A").id, 1), ElementsAre(Series("B").id));
  EXPECT_THAT(*store->List({.name_space = "Other"}, std::nullopt, 10), IsEmpty());
}

TEST_F(MetricStoreTest, OldPointsGetCoarserAndLoseNothing) {
  const auto store = Open();
  MetricStore::Batch batch;
  for (int i = 0; i < 12; ++i) batch[{Series("A"), kStart + i * 10}] = Values({double(i)});
  ASSERT_TRUE(store->Add(batch));
  ASSERT_TRUE(store->Thin(kStart + 3600).ok());
  EXPECT_THAT(Read(*store, Series("A")), SizeIs(12));
  ASSERT_TRUE(store->Thin(kStart + 4 * 3600).ok());
  auto points = Read(*store, Series("A"));
  ASSERT_THAT(points, SizeIs(2));
  EXPECT_EQ(points[0].start, kStart);
  EXPECT_EQ(points[0].values.sum, 0 + 1 + 2 + 3 + 4 + 5);
  EXPECT_EQ(points[1].values.max, 11);
  EXPECT_EQ(points[1].values.bins.Total(), 6);
  ASSERT_TRUE(store->Thin(kStart + 70 * kDay).ok());
  points = Read(*store, Series("A"));
  ASSERT_THAT(points, SizeIs(1));
  EXPECT_EQ(points[0].values.count, 12);
  ASSERT_TRUE(store->Thin(kStart + 456 * kDay).ok());
  EXPECT_THAT(Read(*store, Series("A")), IsEmpty());
  EXPECT_THAT(*Open()->List({}, std::nullopt, 10), IsEmpty());
}

TEST(MetricQuery, AggregatesByAlignedPeriods) {
  const std::vector<MetricPoint> points = {
      {kStart - 10, Values({1})}, {kStart, Values({2})}, {kStart + 50, Values({4})}};
  const auto periods = Aggregate(points, 60);
  ASSERT_THAT(periods, SizeIs(2));
  EXPECT_EQ(periods.at(kStart - 60).sum, 1);
  EXPECT_EQ(periods.at(kStart).sum, 6);
}

TEST(MetricQuery, KnowsTheStatistics) {
  const MetricSet values = Values({1, 2, 3, 4});
  const auto of = [&](const char* name) { return Statistic::Parse(name)->Of(values).value(); };
  EXPECT_EQ(of("Average"), 2.5);
  EXPECT_EQ(of("Sum"), 10);
  EXPECT_EQ(of("Minimum"), 1);
  EXPECT_EQ(of("Maximum"), 4);
  EXPECT_EQ(of("SampleCount"), 4);
  EXPECT_NEAR(of("p50"), 2, 0.05);
  for (const char* const name : {"", "average", "p", "p101", "p-1", "px", "tm90", "IQM"})
    EXPECT_FALSE(Statistic::Parse(name)) << name;
}

TEST(MetricQuery, TakesCloudWatchsPeriodsOnly) {
  for (const int64_t period : {1, 5, 10, 20, 30, 60, 3600}) EXPECT_TRUE(CheckPeriod(period).ok());
  for (const int64_t period : {-60, 0, 2, 45, 61}) EXPECT_FALSE(CheckPeriod(period).ok());
}

TEST(MetricRecorder, WritesOpenMetrics) {
  MetricRecorder recorder({});
  recorder.Add(Sample("Invocation4XXErrors", 0, kStart));
  recorder.Add(Sample("Invocation4XXErrors", 1, kStart + 100));
  MetricSample latency = Sample("ModelLatency", 1500, kStart);
  latency.unit = "Microseconds";
  recorder.Add(latency);
  for (const double percent : {10.0, 37.5}) {
    MetricSample gauge = Sample("GPUMemoryUtilization", percent, kStart);
    gauge.id.name_space = "/aws/sagemaker/Endpoints";
    gauge.unit = "Percent";
    gauge.id.dimensions[0].second = "a \"quoted\"\nname";
    recorder.Add(gauge);
  }
  EXPECT_EQ(
      recorder.OpenMetrics(),
      "# TYPE aws_sagemaker_gpu_memory_utilization_percent gauge\n"
      "aws_sagemaker_gpu_memory_utilization_percent{endpoint_name=\"a \\\"quoted\\\"\\nname\","
      "variant_name=\"AllTraffic\"} 37.5\n"
      "# TYPE aws_sagemaker_invocation_4xx_errors summary\n"
      "aws_sagemaker_invocation_4xx_errors_count{endpoint_name=\"demo\",variant_name="
      "\"AllTraffic\"} 2\n"
      "aws_sagemaker_invocation_4xx_errors_sum{endpoint_name=\"demo\",variant_name="
      "\"AllTraffic\"} 1\n"
      "# TYPE aws_sagemaker_model_latency_microseconds summary\n"
      "aws_sagemaker_model_latency_microseconds_count{endpoint_name=\"demo\",variant_name="
      "\"AllTraffic\"} 1\n"
      "aws_sagemaker_model_latency_microseconds_sum{endpoint_name=\"demo\",variant_name="
      "\"AllTraffic\"} 1500\n");
}

TEST(MetricRecorder, DropsAndCountsWhatItHasNoRoomFor) {
  MetricRecorder recorder({.max_pending = 1});
  recorder.Add(Sample("A", 1, kStart));
  recorder.Add(Sample("A", 2, kStart + 1));
  recorder.Add(Sample("B", 1, kStart));
  const auto [batch, dropped] = recorder.Take();
  EXPECT_EQ(dropped, 1u);
  ASSERT_THAT(batch, SizeIs(1));
  EXPECT_EQ(batch.begin()->second.sum, 3);
  EXPECT_THAT(recorder.Take().first, IsEmpty());
}

class MetricKeeperTest : public MetricStoreTest {
 protected:
  MetricKeeperTest() : clock_(WallTime(seconds(kStart))) {
    FleetView view;
    view.endpoints["demo"] = {"demo", "InService", {{.name = "AllTraffic"}}};
    view_ = std::make_shared<const FleetView>(view);
    keeper_ = std::make_unique<MetricKeeper>(options_, *store_, recorder_, clock_, strand_,
                                             [this] { return view_; });
    keeper_->Run();
  }

  ManualClock clock_;
  const MetricOptions options_;
  FleetViewPtr view_;
  const std::unique_ptr<MetricStore> store_ = Open();
  MetricRecorder recorder_{options_};
  const std::shared_ptr<ManualExecutor> strand_ = std::make_shared<ManualExecutor>(clock_);
  std::unique_ptr<MetricKeeper> keeper_;
};

TEST_F(MetricKeeperTest, BringsWhatIsRecordedIntoTheStore) {
  recorder_.Add(Sample("ModelLatency", 7, kStart));
  strand_->RunFor(options_.flush_interval);
  EXPECT_THAT(Read(*store_, Series("ModelLatency")), SizeIs(1));
}

TEST_F(MetricKeeperTest, IdleMinutesAreZeroAndBusyOnesAreLeftAlone) {
  recorder_.Add(Sample("Invocations", 1, kStart + 60));
  strand_->RunFor(seconds(190));
  const auto points = Read(*store_, Series("Invocations"));
  const auto minutes = Aggregate(points, 60);
  ASSERT_THAT(minutes, SizeIs(3));
  EXPECT_EQ(minutes.at(kStart).sum, 0);
  EXPECT_EQ(minutes.at(kStart).count, 1);
  EXPECT_EQ(minutes.at(kStart + 60).sum, 1);
  EXPECT_EQ(minutes.at(kStart + 60).count, 1);
  EXPECT_EQ(minutes.at(kStart + 120).sum, 0);
  EXPECT_THAT(Read(*store_, Series("ModelLatency")), IsEmpty());
}

constexpr char kStatus[] = R"({"instance":"i","loaded_model_count":3,"cpu_percent":150.5,
    "lane_percent":12,"memory_percent":40,"disk_percent":5,"host_memory_percent":9.36})";
constexpr char kEvents[] = R"({"next":9,"events":[
    {"sequence":7,"at_us":1700000041000000,"kind":"fetch","model":"a","microseconds":5,
     "bytes":1,"ok":true},
    {"sequence":8,"at_us":1700000042000000,"kind":"load","model":"a","microseconds":141000,
     "bytes":1,"ok":true},
    {"sequence":9,"at_us":1700000043000000,"kind":"load","model":"b","microseconds":1,
     "bytes":0,"ok":false},
    {"sequence":10,"at_us":1700000043000000,"kind":"tune","model":"b","microseconds":1,
     "bytes":0,"ok":true}]})";

TEST(InstanceSampler, TurnsAStatusIntoGauges) {
  const auto samples = GaugesOf(kStatus, "demo", "AllTraffic", WallTime(seconds(kStart)));
  std::map<std::string, double> values;
  for (const MetricSample& sample : samples) {
    EXPECT_EQ(sample.id.name_space, "/aws/sagemaker/Endpoints");
    values[sample.id.name + " " + sample.unit] = sample.values.sum;
  }
  EXPECT_EQ(values, (std::map<std::string, double>{{"LoadedModelCount None", 3},
                                                   {"CPUUtilization Percent", 150.5},
                                                   {"GPUUtilization Percent", 12},
                                                   {"GPUMemoryUtilization Percent", 40},
                                                   {"DiskUtilization Percent", 5},
                                                   {"MemoryUtilization Percent", 9.36}}));
  for (const char* const text : {"", "{", "[]", "{}", R"({"cpu_percent":"much"})"})
    EXPECT_THAT(GaugesOf(text, "e", "v", WallTime()), IsEmpty()) << text;
}

TEST(InstanceSampler, TurnsEventsThatSucceededIntoTimes) {
  const EventSamples events = EventsOf(kEvents, "demo", "AllTraffic");
  EXPECT_EQ(events.next, 9);
  ASSERT_THAT(events.samples, SizeIs(2));
  EXPECT_EQ(events.samples[0].id.name, "ModelDownloadingTime");
  EXPECT_EQ(events.samples[1].id.name, "ModelLoadingTime");
  EXPECT_EQ(events.samples[1].unit, "Microseconds");
  EXPECT_EQ(events.samples[1].values.sum, 141000);
  EXPECT_EQ(SecondsOf(events.samples[1].at), 1700000042);
  for (const char* const text : {"", "{}", R"({"events":[7]})", R"({"events":[{}]})"})
    EXPECT_THAT(EventsOf(text, "e", "v").samples, IsEmpty()) << text;
}

TEST(InstanceSampler, CountsEachEventOnceAndBeginsAnewWithANewProcess) {
  ManualClock clock;
  const auto strand = std::make_shared<ManualExecutor>(clock);
  const ControlOptions options;
  SimulatedProvider provider;
  SimulatedNetwork network;
  telemetry::DecisionLog decisions;
  Fleet fleet(options, provider, network, clock, strand, decisions, [] {});
  const auto recorder = std::make_shared<MetricRecorder>(options.metrics);
  InstanceSampler sampler(options, fleet, network, clock, strand, recorder);
  const WantedInstance wanted{.endpoint = "demo", .variant = "AllTraffic", .launch = {.id = "i"}};
  const auto start = [&] {
    fleet.Start(wanted);
    fleet.OnAddress("i", "i:80");
  };
  const auto loads = [&] {
    double count = 0;
    for (const auto& [key, values] : recorder->Take().first)
      if (key.first.id.name == "ModelLoadingTime") count += values.count;
    return count;
  };
  network.answers["i:80/sarai/v1/events?since=0"] = {.body = kEvents};
  network.answers["i:80/sarai/v1/events?since=9"] = {.body = R"({"next":9,"events":[]})"};
  start();
  sampler.Run();
  strand->RunFor(options.metrics.sample_interval * 3);
  EXPECT_EQ(loads(), 1);
  fleet.OnExit("i", "exit status 1");
  start();
  strand->RunFor(options.metrics.sample_interval);
  EXPECT_EQ(loads(), 1) << "the new process counts from the beginning";
}

}  // namespace
}  // namespace sarai::control
