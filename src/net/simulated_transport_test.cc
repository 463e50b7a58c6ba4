#include "net/simulated_transport.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

namespace sarai::net {
namespace {

using Answer = SimulatedTransport::Answer;

class SimulatedTransportTest : public testing::Test {
 protected:
  std::optional<Answer> Send(SimulatedTransport& transport, const std::string& address,
                             const std::string& target = "/") {
    transport.Send(address, {.method = "GET", .target = target}, {},
                   [this](Answer answer) { answers_.push_back(std::move(answer)); });
    if (answers_.empty()) return std::nullopt;
    return answers_.back();
  }

  std::vector<Answer> answers_;
};

Answer Status(int status) {
  http::Response response;
  response.status = status;
  return response;
}

TEST_F(SimulatedTransportTest, APeerIsAFunctionFromRequestToAnswer) {
  SimulatedTransport transport;
  transport.SetPeer("a:1", [](const http::Request& request) {
    return Status(request.target == "/ping" ? 200 : 404);
  });
  EXPECT_EQ(Send(transport, "a:1", "/ping")->value().status, 200);
  EXPECT_EQ(Send(transport, "a:1", "/pong")->value().status, 404);
  ASSERT_EQ(transport.sent().size(), 2u);
  EXPECT_EQ(transport.sent()[1].request.target, "/pong");
}

TEST_F(SimulatedTransportTest, AnAddressNobodySetIsRefused) {
  SimulatedTransport transport;
  const auto answer = Send(transport, "b:1");
  EXPECT_EQ(answer->error().status.code(), Code::kUnavailable);
  EXPECT_TRUE(answer->error().no_byte_received);
}

TEST_F(SimulatedTransportTest, AHeldPeerAnswersWhenTheTestSaysSo) {
  SimulatedTransport transport;
  transport.HoldPeer("a:1");
  EXPECT_FALSE(transport.Complete("a:1", Status(200)));
  EXPECT_FALSE(Send(transport, "a:1").has_value());
  EXPECT_FALSE(Send(transport, "a:1").has_value());
  EXPECT_EQ(transport.waiting("a:1"), 2u);
  EXPECT_TRUE(transport.Complete("a:1", Status(201)));
  transport.RemovePeer("a:1");
  ASSERT_EQ(answers_.size(), 2u);
  EXPECT_EQ(answers_[0]->status, 201);
  EXPECT_FALSE(answers_[1].has_value());
}

TEST_F(SimulatedTransportTest, AnswersOnTheExecutorItIsGiven) {
  ManualClock clock;
  ManualExecutor executor(clock);
  SimulatedTransport transport(&executor);
  transport.SetPeer("a:1", [](const http::Request&) { return Status(200); });
  EXPECT_FALSE(Send(transport, "a:1").has_value());
  executor.RunDue();
  EXPECT_EQ(answers_.size(), 1u);
}

TEST_F(SimulatedTransportTest, WhatStillWaitsAtTheEndIsBrokenOff) {
  {
    SimulatedTransport transport;
    transport.HoldPeer("a:1");
    Send(transport, "a:1");
  }
  ASSERT_EQ(answers_.size(), 1u);
  EXPECT_FALSE(answers_[0].has_value());
}

}  // namespace
}  // namespace sarai::net
