// A gateway over simulated instances; every answer comes inside the call that brings it about.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/executor.h"
#include "gateway/gateway.h"
#include "net/simulated_transport.h"

namespace sarai::gateway {

inline bool IsFeed(const http::Request& request) {
  return request.target.starts_with("/sarai/v1/residency");
}

inline http::Response Text(int status, std::string text) {
  http::Response response;
  response.status = status;
  response.body.push_back(Blob::FromString(std::move(text)));
  return response;
}

class GatewayFixture : public testing::Test {
 protected:
  using Answer = net::SimulatedTransport::Answer;
  using Peer = std::function<Answer(const http::Request&)>;

  explicit GatewayFixture(GatewayOptions options = {})
      : gateway_(
            std::move(options), transport_, executor_, clock_, registry_,
            [this](MetricSample sample) { metrics_[sample.id.name].Merge(sample.values); },
            [] { return 0.5; }, [this] { return "request-" + std::to_string(++next_id_); }) {}
  ~GatewayFixture() override { gateway_.Stop(); }

  // The instance answers requests by `peer`, and feeds with "not now".
  void Serve(const std::string& address, Peer peer) {
    transport_.SetPeer(address, [peer = std::move(peer)](const http::Request& request) -> Answer {
      if (IsFeed(request))
        return std::unexpected(net::SendError{Status(Code::kUnavailable, "no feed"), true});
      return peer(request);
    });
  }
  void Serve(const std::string& address, std::function<Answer()> answer) {
    Serve(address, [answer = std::move(answer)](const http::Request&) { return answer(); });
  }

  void Publish(std::vector<FleetInstance> instances, bool multi_model = true) {
    auto fleet = std::make_shared<FleetView>();
    AddEndpoint(*fleet, "e", std::move(instances), multi_model);
    gateway_.Publish(std::move(fleet));
  }

  static void AddEndpoint(FleetView& fleet, const std::string& name,
                          std::vector<FleetInstance> instances, bool multi_model = true) {
    fleet.endpoints[name] = {.name = name,
                             .status = "InService",
                             .variants = {{.name = "AllTraffic",
                                           .weight = 1,
                                           .multi_model = multi_model,
                                           .model_prefix = "s3://bucket/models/",
                                           .instances = std::move(instances)}}};
  }

  std::shared_ptr<std::optional<http::Response>> Start(http::Request request) {
    auto answer = std::make_shared<std::optional<http::Response>>();
    gateway_.Handle(std::move(request), [answer](http::Response response) {
      EXPECT_FALSE(answer->has_value()) << "answered twice";
      *answer = std::move(response);
    });
    return answer;
  }

  http::Response Ask(http::Request request) {
    const auto answer = Start(std::move(request));
    EXPECT_TRUE(answer->has_value());
    return answer->value_or(http::Response{.status = -1});
  }

  // What instances were sent but for feeds, in order.
  std::vector<net::SimulatedTransport::Sent> Sent() const {
    auto all = transport_.sent();
    std::erase_if(all, [](const auto& sent) { return IsFeed(sent.request); });
    return all;
  }
  std::vector<std::string> SentTo() const {
    std::vector<std::string> addresses;
    for (const auto& sent : Sent()) addresses.push_back(sent.address);
    return addresses;
  }

  double Metric(const std::string& name) {
    executor_.RunFor(std::chrono::seconds(1));
    return metrics_[name].sum;
  }

  ManualClock clock_;
  ManualExecutor executor_{clock_};
  net::SimulatedTransport transport_;
  telemetry::Registry registry_;
  std::map<std::string, MetricSet> metrics_;
  int next_id_ = 0;
  Gateway gateway_;
};

}  // namespace sarai::gateway
