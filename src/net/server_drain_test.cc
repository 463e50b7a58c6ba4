// How a server ends.
#include <gtest/gtest.h>

#include <future>
#include <string>
#include <thread>

#include "net/server.h"
#include "net/testing/server_fixture.h"

namespace sarai::net {
namespace {

using namespace std::chrono_literals;

class ServerDrainTest : public ServerFixture {
 protected:
  // "/held" waits for the test; anything else is answered at once.
  void StartHolding() {
    Start([this](http::Request request, http::Responder respond) {
      if (request.target == "/held") return held_.set_value(std::move(respond));
      respond(TextResponse("ok"));
    });
  }
  http::Responder Held() { return held_.get_future().get(); }

  std::promise<http::Responder> held_;
};

TEST_F(ServerDrainTest, ClosesIdleConnectionsAndAcceptsNoMore) {
  StartHolding();
  RawSocket idle = Connect();
  idle.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(idle.ReadResponse().status, 200);
  const uint16_t port = server_->port();
  server_->Drain(20s);
  EXPECT_TRUE(idle.AtEnd());
  EXPECT_FALSE(RawSocket::Connect(port).Send("GET / HTTP/1.1\r\n"));
  server_->Drain(20s);  // once more changes nothing
}

TEST_F(ServerDrainTest, LetsARequestInFlightBeAnsweredAndSaysThatItIsTheLast) {
  StartHolding();
  RawSocket client = Connect();
  client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  http::Responder respond = Held();
  RawSocket idle = Connect();
  idle.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(idle.ReadResponse().status, 200);
  auto drained = std::async(std::launch::async, [&] { server_->Drain(60s); });
  EXPECT_TRUE(idle.AtEnd());  // the drain has begun
  respond(TextResponse("the last"));
  const RawResponse response = client.ReadResponse();
  EXPECT_EQ(response.body, "the last");
  EXPECT_TRUE(response.HasLine("Connection: close"));
  EXPECT_TRUE(client.AtEnd());
  EXPECT_EQ(drained.wait_for(20s), std::future_status::ready);
}

TEST_F(ServerDrainTest, FinishesARequestWhoseBodyIsStillArriving) {
  StartHolding();
  RawSocket client = Connect();
  client.Send("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  client.ReadUntil("\r\n\r\n");  // the server is within the request
  RawSocket idle = Connect();
  idle.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(idle.ReadResponse().status, 200);
  auto drained = std::async(std::launch::async, [&] { server_->Drain(60s); });
  EXPECT_TRUE(idle.AtEnd());
  client.Send("hi");
  EXPECT_TRUE(client.ReadResponse().HasLine("Connection: close"));
  EXPECT_EQ(drained.wait_for(20s), std::future_status::ready);
}

TEST_F(ServerDrainTest, ClosesWhatIsLeftWhenPatienceEnds) {
  StartHolding();
  RawSocket client = Connect();
  client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  http::Responder respond = Held();
  server_->Drain(10ms);
  EXPECT_EQ(client.ReadToEnd(), "");
  respond(TextResponse("too late"));
}

TEST_F(ServerDrainTest, LoopsThatStopCloseTheirConnectionsAndTheServerStillEnds) {
  StartHolding();
  RawSocket client = Connect();
  client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
  http::Responder respond = Held();
  loops_->Stop();
  loops_->Stop();
  EXPECT_EQ(client.ReadToEnd(), "");
  respond(TextResponse("too late"));
  server_->Drain(20s);
  const auto late = HttpServer::Listen(*loops_, {}, Echo);
  EXPECT_EQ(late.error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace sarai::net
