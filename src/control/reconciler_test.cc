#include "control/reconciler.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "control/handlers/handlers.h"
#include "control/scratch_directory.h"
#include "control/test_fleet.h"

namespace sarai::control {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

// Control without its threads and processes; API calls go through the real handlers.
class ReconcilerTest : public testing::Test {
 protected:
  ReconcilerTest() { Boot(); }

  // As after a start of the program: all but the disk is new.
  void Boot() {
    reconciler_.reset();
    fleet_.reset();
    provider_ = std::make_unique<SimulatedProvider>();
    state_.reset();
    auto state = State::Open((directory_.path() / "control.db").string());
    ASSERT_TRUE(state) << state.error().ToString();
    state_ = std::move(*state);
    strand_ = std::make_shared<ManualExecutor>(clock_);
    fleet_ = std::make_unique<Fleet>(options_, *provider_, network_, clock_, strand_, decisions_,
                                     [this] { reconciler_->Kick(); });
    reconciler_ =
        std::make_unique<Reconciler>(options_, *state_, *fleet_, *provider_, clock_, strand_,
                                     [this](FleetViewPtr view) { view_ = std::move(view); });
    services_.emplace(options_, *state_, *fleet_, clock_, [this] { reconciler_->Kick(); });
    reconciler_->Kick();
    strand_->RunDue();
  }

  json::Object Call(const char* operation, std::string_view body) {
    const ApiResult result = HandleSageMaker(
        *services_,
        {.operation = operation, .region = "us-east-1", .body = *json::ParseObject(body)});
    EXPECT_TRUE(result) << operation << ": " << (result ? "" : result.error().message);
    strand_->RunDue();
    return result.value_or(json::Object());
  }

  std::string Fault(const char* operation, std::string_view body) {
    const ApiResult result = HandleSageMaker(
        *services_,
        {.operation = operation, .region = "us-east-1", .body = *json::ParseObject(body)});
    return result ? "no error" : result.error().shape + ": " + result.error().message;
  }

  void MakeConfig(const std::string& name, int instances) {
    if (!*state_->models.Find("m"))
      Call("CreateModel", R"({"ModelName":"m","PrimaryContainer":{"Mode":"MultiModel",
                              "ModelDataUrl":"s3://bucket/models"}})");
    Call("CreateEndpointConfig",
         fmt::format(R"({{"EndpointConfigName":"{}","ProductionVariants":[{{"VariantName":"All",
                         "ModelName":"m","InitialInstanceCount":{},
                         "InstanceType":"ml.c5.large"}}]}})",
                     name, instances));
  }

  // An endpoint of `instances` instances, in service.
  void MakeDemo(int instances) {
    MakeConfig("config", instances);
    Call("CreateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config"})");
    for (int i = 1; i <= instances; ++i) BringUp(fmt::format("demo-All-{}", i));
    ASSERT_EQ(StatusNow(), "InService");
  }

  void Listen(const std::string& id) {
    fleet_->OnAddress(id, id + ":80");
    strand_->RunDue();
  }
  void SetHealth(const std::string& id, bool healthy) {
    network_.answers[id + ":80/ping"] = {healthy ? 200 : 500, "", ""};
  }
  void BringUp(const std::string& id) {
    SetHealth(id, true);
    Listen(id);
  }
  void End(const std::string& id, const std::string& how = "exit status 1") {
    provider_->processes.erase(id);
    provider_->stopping.erase(id);
    provider_->killed.erase(id);
    fleet_->OnExit(id, how);
    strand_->RunDue();
  }

  std::string StatusNow() {
    const EndpointRecord* const endpoint = state_->endpoints.Find("demo");
    return endpoint == nullptr ? "gone" : std::string(EndpointStatusName(endpoint->status));
  }
  // "demo-All-1 demo-All-2!": those that requests may go to, '!' marks what is not ready.
  std::string Routed() {
    std::string text;
    for (const FleetVariant& variant : view_->endpoints.at("demo").variants)
      for (const FleetInstance& instance : variant.instances)
        text += (text.empty() ? "" : " ") + instance.id + (instance.ready ? "" : "!");
    return text;
  }

  ScratchDirectory directory_;
  ControlOptions options_;
  ManualClock clock_;
  telemetry::DecisionLog decisions_;
  SimulatedNetwork network_;
  std::unique_ptr<SimulatedProvider> provider_;
  std::unique_ptr<State> state_;
  std::shared_ptr<ManualExecutor> strand_;
  std::unique_ptr<Fleet> fleet_;
  std::unique_ptr<Reconciler> reconciler_;
  std::optional<SageMakerServices> services_;
  FleetViewPtr view_;
};

TEST_F(ReconcilerTest, AnEndpointIsInServiceWhenAllItsInstancesAnswer) {
  MakeConfig("config", 2);
  Call("CreateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config"})");
  EXPECT_EQ(StatusNow(), "Creating");
  EXPECT_THAT(provider_->started, ElementsAre("demo-All-1", "demo-All-2"));
  EXPECT_EQ(provider_->processes.at("demo-All-1").source_url, "s3://bucket/models/");
  EXPECT_EQ(provider_->processes.at("demo-All-1").memory_bytes, 4ull << 30);
  BringUp("demo-All-1");
  EXPECT_EQ(StatusNow(), "Creating");
  EXPECT_EQ(view_->endpoints.at("demo").status, "Creating");
  EXPECT_EQ(Routed(), "");
  BringUp("demo-All-2");
  EXPECT_EQ(StatusNow(), "InService");
  EXPECT_EQ(Routed(), "demo-All-1 demo-All-2");
  EXPECT_EQ(view_->endpoints.at("demo").variants[0].model_prefix, "s3://bucket/models/");
}

TEST_F(ReconcilerTest, AnInstanceThatIsSlowToAnswerIsPingedUntilItDoes) {
  MakeConfig("config", 1);
  Call("CreateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config"})");
  Listen("demo-All-1");
  strand_->RunFor(seconds(30));
  EXPECT_EQ(StatusNow(), "Creating");
  SetHealth("demo-All-1", true);
  strand_->RunFor(options_.health.ping_interval_starting);
  EXPECT_EQ(StatusNow(), "InService");
}

TEST_F(ReconcilerTest, AnEndpointFailsWhenItsInstancesAreNotReadyInTime) {
  MakeConfig("config", 1);
  Call("CreateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config"})");
  Listen("demo-All-1");
  strand_->RunFor(options_.health.start_timeout - seconds(1));
  EXPECT_EQ(StatusNow(), "Creating");
  strand_->RunFor(seconds(1));
  EXPECT_EQ(StatusNow(), "Failed");
  EXPECT_THAT(state_->endpoints.Find("demo")->failure_reason,
              StartsWith("The primary container for production variant All did not pass the ping "
                         "health check. Please check CloudWatch logs for this endpoint."));
  End("demo-All-1");
  EXPECT_THAT(provider_->forgotten, ElementsAre("demo-All-1"));
  EXPECT_THAT(provider_->started, ElementsAre("demo-All-1")) << "and not again";
}

TEST_F(ReconcilerTest, AnEndpointFailsEarlyWhenItsInstanceKeepsDying) {
  MakeConfig("config", 1);
  Call("CreateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config"})");
  for (int i = 0; i < options_.health.start_attempts; ++i) {
    EXPECT_EQ(StatusNow(), "Creating");
    End("demo-All-1", "exit status 3");
    strand_->RunFor(seconds(5));
  }
  EXPECT_EQ(StatusNow(), "Failed");
  const std::string reason = state_->endpoints.Find("demo")->failure_reason;
  EXPECT_THAT(reason, HasSubstr("exit status 3"));
  EXPECT_THAT(reason, HasSubstr("logs/demo-All-1"));
  EXPECT_THAT(Fault("UpdateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config"})"),
              StartsWith("ValidationException: Cannot update"));
  Call("DeleteEndpoint", R"({"EndpointName":"demo"})");
  EXPECT_EQ(StatusNow(), "gone");
}

TEST_F(ReconcilerTest, AnEndpointFailsWhenItsInstanceGoesOnSayingThatItsModelIsMissing) {
  MakeConfig("config", 1);
  Call("CreateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config"})");
  network_.answers["demo-All-1:80/ping"] = {503, R"({"error":"no object at x.tar.gz"})",
                                            "not_found"};
  Listen("demo-All-1");
  strand_->RunFor(options_.health.fault_patience - seconds(1));
  EXPECT_EQ(StatusNow(), "Creating");
  strand_->RunFor(seconds(1));
  EXPECT_EQ(StatusNow(), "Failed");
  const std::string reason = state_->endpoints.Find("demo")->failure_reason;
  EXPECT_THAT(reason, StartsWith("Failed to download model data for container \"container_1\" from "
                                 "URL: \"s3://bucket/models/\"."));
  EXPECT_THAT(reason, HasSubstr("no object at x.tar.gz"));
}

TEST_F(ReconcilerTest, AnInstanceMayTakeItsTimeToLoadItsModel) {
  MakeConfig("config", 1);
  Call("CreateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config"})");
  network_.answers["demo-All-1:80/ping"] = {503, R"({"error":"being loaded"})", "unavailable"};
  Listen("demo-All-1");
  strand_->RunFor(std::chrono::minutes(3));
  EXPECT_EQ(StatusNow(), "Creating");
}

TEST_F(ReconcilerTest, ADeadInstanceIsLeftOutAtOnceAndStartedAgain) {
  MakeDemo(2);
  End("demo-All-1", "killed by signal 9 (Killed)");
  EXPECT_EQ(Routed(), "demo-All-1! demo-All-2");
  EXPECT_EQ(StatusNow(), "InService");
  EXPECT_EQ(provider_->started.size(), 2u);
  strand_->RunFor(options_.restart.first);
  EXPECT_EQ(provider_->started.back(), "demo-All-1");
  BringUp("demo-All-1");
  EXPECT_EQ(Routed(), "demo-All-1 demo-All-2");
}

TEST_F(ReconcilerTest, TheWaitBeforeARestartGrows) {
  MakeDemo(1);
  for (const int expected_ms : {100, 200, 400}) {
    const size_t starts = provider_->started.size();
    End("demo-All-1");
    strand_->RunFor(milliseconds(expected_ms - 1));
    EXPECT_EQ(provider_->started.size(), starts);
    strand_->RunFor(milliseconds(1));
    EXPECT_EQ(provider_->started.size(), starts + 1);
  }
}

TEST_F(ReconcilerTest, AnInstanceThatMissesTwoPingsIsLeftOutUntilItAnswers) {
  MakeDemo(1);
  SetHealth("demo-All-1", false);
  strand_->RunFor(options_.health.ping_interval);
  EXPECT_EQ(Routed(), "demo-All-1");
  strand_->RunFor(options_.health.ping_interval);
  EXPECT_EQ(Routed(), "demo-All-1!");
  SetHealth("demo-All-1", true);
  strand_->RunFor(options_.health.ping_interval);
  EXPECT_EQ(Routed(), "demo-All-1");
  EXPECT_EQ(provider_->started.size(), 1u);
}

TEST_F(ReconcilerTest, AnInstanceThatStaysDumbIsKilledAndReplaced) {
  MakeDemo(1);
  SetHealth("demo-All-1", false);
  strand_->RunFor(options_.health.unresponsive_after + seconds(1));
  EXPECT_THAT(provider_->killed, ElementsAre("demo-All-1"));
  End("demo-All-1");
  strand_->RunFor(seconds(1));
  EXPECT_EQ(provider_->started.size(), 2u);
}

TEST_F(ReconcilerTest, AnUpdateSwitchesWhenTheNewFleetIsUp) {
  MakeDemo(1);
  MakeConfig("config2", 2);
  Call("UpdateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config2"})");
  EXPECT_EQ(StatusNow(), "Updating");
  EXPECT_EQ(Routed(), "demo-All-1") << "the old fleet has the traffic";
  EXPECT_THAT(Fault("DeleteEndpoint", R"({"EndpointName":"demo"})"),
              "ValidationException: Cannot update in-progress endpoint "
              "\"arn:aws:sagemaker:us-east-1:123456789012:endpoint/demo\".");
  BringUp("demo-All-2");
  EXPECT_EQ(Routed(), "demo-All-1");
  BringUp("demo-All-3");
  EXPECT_EQ(StatusNow(), "InService");
  EXPECT_EQ(Routed(), "demo-All-2 demo-All-3");
  EXPECT_THAT(provider_->stopping, ElementsAre("demo-All-1"));
  End("demo-All-1", "exit status 0");
  EXPECT_THAT(provider_->forgotten, ElementsAre("demo-All-1"));
  EXPECT_EQ(state_->endpoints.Find("demo")->current->config_name, "config2");
}

TEST_F(ReconcilerTest, AnUpdateThatFailsLeavesTheOldFleetInService) {
  MakeDemo(1);
  MakeConfig("config2", 1);
  Call("UpdateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config2"})");
  strand_->RunFor(options_.health.start_timeout);
  EXPECT_EQ(StatusNow(), "InService");
  EXPECT_EQ(Routed(), "demo-All-1");
  EXPECT_THAT(state_->endpoints.Find("demo")->failure_reason, HasSubstr("ping health check"));
  EXPECT_EQ(state_->endpoints.Find("demo")->current->config_name, "config");
  EXPECT_THAT(provider_->killed, ElementsAre("demo-All-2"));
}

TEST_F(ReconcilerTest, AnUpdateKeepsCountsAndWeightsWhenItIsAskedTo) {
  MakeDemo(1);
  Call("UpdateEndpointWeightsAndCapacities",
       R"({"EndpointName":"demo","DesiredWeightsAndCapacities":[{"VariantName":"All",
           "DesiredWeight":0.25,"DesiredInstanceCount":2}]})");
  BringUp("demo-All-2");
  ASSERT_EQ(StatusNow(), "InService");
  Call("UpdateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config",
      "RetainAllVariantProperties":true,
      "ExcludeRetainedVariantProperties":[{"VariantPropertyType":"DesiredWeight"}]})");
  const DeployedVariant& variant = state_->endpoints.Find("demo")->pending->variants[0];
  EXPECT_THAT(variant.instances, ElementsAre("demo-All-3", "demo-All-4"));
  EXPECT_EQ(variant.weight, 1);
}

TEST_F(ReconcilerTest, AVariantGrowsAndShrinksInPlace) {
  MakeDemo(1);
  const auto resize = [&](int count) {
    Call("UpdateEndpointWeightsAndCapacities",
         fmt::format(R"({{"EndpointName":"demo","DesiredWeightsAndCapacities":[
                         {{"VariantName":"All","DesiredInstanceCount":{}}}]}})",
                     count));
  };
  resize(2);
  EXPECT_EQ(StatusNow(), "Updating");
  EXPECT_EQ(Routed(), "demo-All-1 demo-All-2!");
  BringUp("demo-All-2");
  EXPECT_EQ(StatusNow(), "InService");
  resize(1);
  EXPECT_EQ(Routed(), "demo-All-1");
  EXPECT_THAT(provider_->stopping, ElementsAre("demo-All-2"));
  resize(0);
  EXPECT_EQ(StatusNow(), "InService");
  EXPECT_EQ(Routed(), "");
}

TEST_F(ReconcilerTest, ADeletedEndpointIsGoneWhenItsLastProcessIs) {
  MakeDemo(2);
  Call("DeleteEndpoint", R"({"EndpointName":"demo"})");
  EXPECT_EQ(StatusNow(), "Deleting");
  EXPECT_TRUE(view_->endpoints.at("demo").variants.empty());
  End("demo-All-1");
  EXPECT_EQ(StatusNow(), "Deleting");
  End("demo-All-2");
  EXPECT_EQ(StatusNow(), "gone");
  EXPECT_THAT(view_->endpoints, IsEmpty());
  EXPECT_EQ(Fault("DescribeEndpoint", R"({"EndpointName":"demo"})"),
            "ValidationException: Could not find endpoint "
            "\"arn:aws:sagemaker:us-east-1:123456789012:endpoint/demo\".");
}

TEST_F(ReconcilerTest, EndpointsComeBackAfterARestartWithTheSameInstances) {
  MakeDemo(2);
  Boot();
  EXPECT_EQ(StatusNow(), "InService");
  EXPECT_THAT(provider_->started, ElementsAre("demo-All-1", "demo-All-2"));
  EXPECT_EQ(Routed(), "demo-All-1! demo-All-2!");
  Listen("demo-All-1");
  EXPECT_EQ(Routed(), "demo-All-1 demo-All-2!");
}

TEST_F(ReconcilerTest, WhatWasUnderWayGoesOnAfterARestart) {
  MakeDemo(1);
  MakeConfig("config2", 1);
  Call("UpdateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config2"})");
  Boot();
  EXPECT_EQ(StatusNow(), "Updating");
  Listen("demo-All-1");
  BringUp("demo-All-2");
  EXPECT_EQ(StatusNow(), "InService");
  EXPECT_EQ(Routed(), "demo-All-2");
  Call("DeleteEndpoint", R"({"EndpointName":"demo"})");
  Boot();
  EXPECT_EQ(StatusNow(), "gone") << "its processes died with the program";
}

TEST_F(ReconcilerTest, AnEndpointOutlivesItsConfigurationAndModel) {
  MakeDemo(1);
  Call("DeleteEndpointConfig", R"({"EndpointConfigName":"config"})");
  Call("DeleteModel", R"({"ModelName":"m"})");
  Boot();
  EXPECT_EQ(provider_->processes.at("demo-All-1").source_url, "s3://bucket/models/");
}

TEST_F(ReconcilerTest, EachStartAndEndIsWrittenDown) {
  MakeDemo(1);
  End("demo-All-1", "exit status 9");
  strand_->RunFor(seconds(1));
  std::vector<std::string> reasons;
  for (const Decision& decision : decisions_.Since(0)) reasons.push_back(decision.reason);
  EXPECT_THAT(reasons, ElementsAre("desired by variant All of endpoint demo",
                                   "its process has ended: exit status 9",
                                   "started again: its last process ended with exit status 9"));
}

TEST_F(ReconcilerTest, MoreInstancesThanAllowedAreRefused) {
  options_.max_instances = 2;
  MakeDemo(1);
  MakeConfig("config2", 2);
  EXPECT_THAT(Fault("UpdateEndpoint", R"({"EndpointName":"demo","EndpointConfigName":"config2"})"),
              StartsWith("ResourceLimitExceeded: The account-level service limit 'ml.c5.large for "
                         "endpoint usage' is 2 Instances, with current utilization of 1 Instances "
                         "and a request delta of 2 Instances."));
}

}  // namespace
}  // namespace sarai::control
