// The whole room over real parts: sockets, SQLite, child processes.
#include "control/control.h"

#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <mutex>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/clock.h"
#include "control/scratch_directory.h"
#include "net/event_loops.h"
#include "net/server.h"
#include "telemetry/decision_log.h"
#include "wire/http/text_of.h"
#include "wire/json/json.h"

namespace sarai::control {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::chrono::seconds kPatience{60};

class ControlTest : public testing::Test {
 protected:
  ~ControlTest() override { Stop(); }

  void Start() { ASSERT_TRUE(TryStart().ok()); }

  Status TryStart() {
    ControlOptions options;
    options.state_directory = directory_.path().string();
    options.launch.executable = std::string(SARAI_BUILD_DIR) + "/bin/control_test_instance";
    options.launch.environment = environment_;
    options.health.ping_interval = std::chrono::milliseconds(20);
    options.metrics.sample_interval = std::chrono::milliseconds(50);
    control_ = std::make_unique<Control>(options, *transport_, clock_, [] { return "request-id"; });
    control_->OnFleet([this](FleetViewPtr view) {
      std::lock_guard lock(mu_);
      view_ = std::move(view);
      changed_.notify_all();
    });
    return control_->Start();
  }

  void Stop() {
    if (control_) control_->Stop();
    control_.reset();
  }

  http::Response Send(http::Request request) {
    std::mutex mu;
    std::condition_variable answered;
    std::optional<http::Response> response;
    control_->Handle(std::move(request), [&](http::Response answer) {
      std::lock_guard lock(mu);
      response = std::move(answer);
      answered.notify_all();
    });
    std::unique_lock lock(mu);
    answered.wait(lock, [&] { return response.has_value(); });
    return std::move(*response);
  }

  std::string Get(const std::string& target) {
    return http::TextOf(Send({.method = "GET", .target = target}));
  }

  json::Object Call(const std::string& target, std::string body) {
    http::Request request{.method = "POST", .target = "/"};
    request.headers.Add("X-Amz-Target", target);
    request.body = Blob::FromString(std::move(body));
    const http::Response response = Send(std::move(request));
    EXPECT_EQ(response.headers.Get("x-amzn-RequestId"), "request-id");
    return json::ParseObject(http::TextOf(response)).value_or(json::Object());
  }

  void MakeDemo(int instances) {
    Call("SageMaker.CreateModel",
         R"({"ModelName":"m","PrimaryContainer":{"Mode":"MultiModel","ModelDataUrl":"s3://b/p"}})");
    Call("SageMaker.CreateEndpointConfig",
         fmt::format(R"({{"EndpointConfigName":"c","ProductionVariants":[{{"VariantName":"All",
                         "ModelName":"m","InitialInstanceCount":{},
                         "InstanceType":"ml.c5.large"}}]}})",
                     instances));
    Call("SageMaker.CreateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"c"})");
  }

  // The first view that `condition` is true of.
  template <typename Condition>
  FleetViewPtr AwaitView(Condition condition) {
    std::unique_lock lock(mu_);
    const bool came =
        changed_.wait_for(lock, kPatience, [&] { return view_ != nullptr && condition(*view_); });
    EXPECT_TRUE(came);
    return view_;
  }

  static bool IsStatus(const FleetView& view, std::string_view status) {
    const auto it = view.endpoints.find("demo");
    return it != view.endpoints.end() && it->second.status == status;
  }
  static size_t ReadyCount(const FleetView& view) {
    size_t count = 0;
    for (const auto& [name, endpoint] : view.endpoints)
      for (const FleetVariant& variant : endpoint.variants)
        for (const FleetInstance& instance : variant.instances) count += instance.ready ? 1 : 0;
    return count;
  }

  ScratchDirectory directory_;
  const RealClock clock_;
  net::EventLoops loops_{1};
  const std::unique_ptr<net::Transport> transport_ = net::MakeHttpTransport(loops_);
  std::map<std::string, std::string, std::less<>> environment_;
  std::mutex mu_;
  std::condition_variable changed_;
  FleetViewPtr view_;  // guarded by mu_
  std::unique_ptr<Control> control_;
};

TEST_F(ControlTest, AnEndpointComesUpAndGoes) {
  Start();
  MakeDemo(2);
  const auto view = AwaitView([](const FleetView& v) { return ReadyCount(v) == 2; });
  EXPECT_TRUE(IsStatus(*view, "InService"));
  EXPECT_EQ(Call("SageMaker.DescribeEndpoint", R"({"EndpointName":"demo"})")["EndpointStatus"],
            "InService");
  Call("SageMaker.DeleteEndpoint", R"({"EndpointName":"demo"})");
  AwaitView([](const FleetView& v) { return v.endpoints.empty(); });
  EXPECT_EQ(Call("SageMaker.DescribeEndpoint", R"({"EndpointName":"demo"})")["__type"],
            "ValidationException");
}

TEST_F(ControlTest, EndpointsComeBackWithTheirInstances) {
  Start();
  MakeDemo(1);
  AwaitView([](const FleetView& v) { return ReadyCount(v) == 1; });
  Stop();
  view_.reset();
  Start();
  const auto view = AwaitView([](const FleetView& v) { return ReadyCount(v) == 1; });
  EXPECT_EQ(view->endpoints.at("demo").variants[0].instances[0].id, "demo-All-1");
}

TEST_F(ControlTest, AKilledInstanceIsNotReadyAndComesBackElsewhere) {
  Start();
  MakeDemo(1);
  const auto before = AwaitView([](const FleetView& v) { return ReadyCount(v) == 1; });
  const std::string address = before->endpoints.at("demo").variants[0].instances[0].address;
  const auto log = json::ParseObject(Get("/sarai/v1/decisions"));
  ASSERT_TRUE(log);
  // Its process is the only child of this one that runs the test's instance.
  FILE* const children =
      popen(fmt::format("pgrep -P {} -f instance-id=demo-All-1", getpid()).c_str(), "r");
  int pid = 0;
  ASSERT_EQ(fscanf(children, "%d", &pid), 1);
  pclose(children);
  kill(pid, SIGKILL);
  AwaitView([](const FleetView& v) { return ReadyCount(v) == 0; });
  const auto after = AwaitView([](const FleetView& v) { return ReadyCount(v) == 1; });
  EXPECT_NE(after->endpoints.at("demo").variants[0].instances[0].address, address);
  EXPECT_THAT(Get("/sarai/v1/decisions"), HasSubstr("killed by signal 9"));
}

TEST_F(ControlTest, AnEndpointWhoseInstancesCannotRunFails) {
  environment_["TEST_INSTANCE_FAILS"] = "1";
  Start();
  MakeDemo(1);
  AwaitView([](const FleetView& v) { return IsStatus(v, "Failed"); });
  const auto described = Call("SageMaker.DescribeEndpoint", R"({"EndpointName":"demo"})");
  EXPECT_THAT(std::string(described.at("FailureReason").as_string()),
              HasSubstr("ended with exit status 3"));
}

TEST_F(ControlTest, AStateDirectoryHasOneUser) {
  Start();
  const auto first = std::move(control_);
  const Status second = TryStart();
  EXPECT_EQ(second.code(), Code::kFailedPrecondition);
  EXPECT_THAT(second.message(), HasSubstr(directory_.path().string()));
  first->Stop();
}

TEST_F(ControlTest, CallsAreRefusedBeforeTheStartAndAfterTheStop) {
  Start();
  control_->Stop();
  EXPECT_EQ(Call("SageMaker.ListModels", "{}")["__type"], "ServiceUnavailable");
  EXPECT_EQ(Send({.method = "GET", .target = "/sarai/v1/decisions"}).status, 503);
}

TEST_F(ControlTest, MetricsOfInstancesAndOfTheGatewayCanBeRead) {
  Start();
  MakeDemo(1);
  MetricSample sample{
      .id = {"AWS/SageMaker", "Invocations", {{"EndpointName", "demo"}, {"VariantName", "All"}}},
      .unit = "None",
      .at = clock_.WallNow()};
  sample.values.Add(1);
  control_->sink()(sample);
  const double now = std::chrono::duration<double>(clock_.WallNow().time_since_epoch()).count();
  const auto sum = [&](const char* name_space, const char* metric) {
    const json::Object query = {
        {"Id", "q"},
        {"MetricStat",
         {{"Period", 60},
          {"Stat", "Maximum"},
          {"Metric",
           {{"Namespace", name_space},
            {"MetricName", metric},
            {"Dimensions",
             json::Array{json::Object{{"Name", "EndpointName"}, {"Value", "demo"}},
                         json::Object{{"Name", "VariantName"}, {"Value", "All"}}}}}}}}};
    const json::Object body = {{"StartTime", now - 600},
                               {"EndTime", now + 600},
                               {"MetricDataQueries", json::Array{query}}};
    const auto answer = Call("GraniteServiceVersion20100801.GetMetricData", json::Serialize(body));
    const auto& values = answer.at("MetricDataResults").at(0).at("Values").as_array();
    return values.empty() ? -1 : values.at(0).to_number<double>();
  };
  EXPECT_EQ(sum("AWS/SageMaker", "Invocations"), 1);
  AwaitView([](const FleetView& v) { return ReadyCount(v) == 1; });
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (sum("/aws/sagemaker/Endpoints", "DiskUtilization") != 5)
    ASSERT_LT(std::chrono::steady_clock::now(), deadline);
  EXPECT_THAT(control_->OpenMetrics(), HasSubstr("aws_sagemaker_disk_utilization_percent{"));
}

TEST_F(ControlTest, DecisionsAndExplanationsOfAllInstancesAreOneAnswer) {
  Start();
  MakeDemo(2);
  AwaitView([](const FleetView& v) { return ReadyCount(v) == 2; });
  const std::string decisions = Get("/sarai/v1/decisions");
  EXPECT_THAT(decisions, HasSubstr(R"("instance":"demo-All-2","endpoint":"demo")"));
  EXPECT_THAT(decisions, HasSubstr("desired by variant All of endpoint demo"));
  const std::string late = Get("/sarai/v1/decisions?since=2099-01-01T00:00:00.000000Z");
  EXPECT_THAT(late, Not(HasSubstr("desired by variant")));
  EXPECT_THAT(late, HasSubstr("asked for"));
  const auto explained = json::ParseObject(Get("/sarai/v1/explain?model=a"));
  ASSERT_TRUE(explained);
  const auto& instances = explained->at("instances").as_array();
  ASSERT_EQ(instances.size(), 2u);
  EXPECT_EQ(instances[0].at("endpoint"), "demo");
  EXPECT_EQ(instances[0].at("state"), "ready");
  EXPECT_TRUE(instances[0].as_object().contains("address"));
  EXPECT_THAT(Get("/sarai/v1/explain?model=a&format=text"),
              HasSubstr("endpoint demo, variant All: a on demo-All-2: ready\n"));
  EXPECT_EQ(Send({.method = "GET", .target = "/sarai/v1/explain?model=unknown"}).status, 404);
  EXPECT_EQ(Send({.method = "GET", .target = "/sarai/v1/explain"}).status, 400);
}

}  // namespace
}  // namespace sarai::control
