// What a client sees that is wrong, hostile, slow or gone.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "net/server.h"
#include "net/testing/server_fixture.h"

namespace sarai::net {
namespace {

using namespace std::chrono_literals;
using ServerLimitsTest = ServerFixture;

TEST_F(ServerLimitsTest, RefusesMalformedRequestsInJsonAndCloses) {
  Start(Echo);
  const std::string host = "Host: h\r\n";
  const struct {
    std::string request;
    int status;
  } cases[] = {
      {"NONSENSE\r\n\r\n", 400},
      {"GET  / HTTP/1.1\r\n\r\n", 400},
      {"G@T / HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET nowhere HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET / HTTP/2.0\r\n" + host + "\r\n", 505},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "No colon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "Space : x\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\n" + host + "Ctl: a\x01\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: x\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999999999999\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", 400},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0",
       400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0",
       400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip\r\n\r\n", 501},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
       400},
      {"POST / HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nabc\r\n",
       400},
      {"PUT / HTTP/1.1\r\n" + host + "Expect: magic\r\nContent-Length: 1\r\n\r\n", 417},
  };
  for (const auto& [request, status] : cases) {
    RawSocket client = Connect();
    client.Send(request);
    const RawResponse response = client.ReadResponse();
    EXPECT_EQ(response.status, status) << request << "\n-> " << response.body;
    EXPECT_TRUE(response.body.starts_with("{\"error\":\"") && response.body.ends_with("\"}"));
    EXPECT_TRUE(response.HasLine("Connection: close"));
    EXPECT_TRUE(client.AtEnd()) << request;
  }
}

TEST_F(ServerLimitsTest, SurvivesDamagedRequests) {
  Start(Echo, {.max_body_bytes = 4096, .max_header_bytes = 1024});
  const std::string whole =
      "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello"
      "POST /b HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;e=\"v\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-T: t\r\n\r\n";
  std::minstd_rand random(7);
  for (int round = 0; round < 500; ++round) {
    std::string damaged = whole;
    for (int i = 0; i < 3; ++i) {
      const size_t at = random() % damaged.size();
      switch (random() % 3) {
        case 0: damaged[at] = static_cast<char>(random()); break;
        case 1: damaged.erase(at, random() % 8); break;
        case 2: damaged.insert(at, damaged.substr(random() % damaged.size(), random() % 64)); break;
      }
    }
    RawSocket client = Connect();
    client.Send(damaged);
    client.ShutdownSend();
    client.ReadToEnd();
  }
  RawSocket client = Connect();
  client.Send(whole.substr(0, whole.find("POST /b")));
  EXPECT_EQ(client.ReadResponse().body, "POST /a hello");
}

TEST_F(ServerLimitsTest, RefusesAnAnnouncedBodyThatIsTooLargeWithoutAskingForIt) {
  Start(Echo, {.max_body_bytes = 10});
  RawSocket client = Connect();
  client.Send("PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().status, 413);
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(ServerLimitsTest, ABodyOfExactlyTheLimitPasses) {
  Start(Echo, {.max_body_bytes = 10});
  RawSocket client = Connect();
  client.Send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789");
  EXPECT_EQ(client.ReadResponse().body, "PUT / 0123456789");
  client.Send(
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().body, "PUT / 0123456789");
}

TEST_F(ServerLimitsTest, AClientThatSendsTooMuchRegardlessStillReadsWhy) {
  Start(Echo, {.max_body_bytes = 1 << 20});
  const std::string body(8 << 20, 'x');
  RawSocket client = Connect();
  client.Send("PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
              "\r\n\r\n");
  EXPECT_TRUE(client.Send(body));
  EXPECT_EQ(client.ReadResponse().status, 413);
}

TEST_F(ServerLimitsTest, ChunksCannotAddUpToMoreThanTheLimit) {
  Start(Echo, {.max_body_bytes = 10});
  RawSocket client = Connect();
  client.Send(
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "8\r\n01234567\r\n8\r\n01234567\r\n");
  EXPECT_EQ(client.ReadResponse().status, 413);
}

TEST_F(ServerLimitsTest, BoundsTheHeaderHoweverItArrives) {
  Start(Echo, {.max_header_bytes = 2048});
  const std::string start = "GET / HTTP/1.1\r\nHost: h\r\n";
  {
    RawSocket client = Connect();
    client.Send(start + "X: " + std::string(4096, 'x') + "\r\n\r\n");
    EXPECT_EQ(client.ReadResponse().status, 431);
  }
  {
    RawSocket client = Connect();
    client.Send("GET /" + std::string(4096, 'x') + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.ReadResponse().status, 431);
  }
  {
    RawSocket client = Connect();
    client.Send(start);
    std::jthread dripping([&] {  // whole lines, each in its own packet, without an end
      while (client.Send("A: b\r\n")) {
      }
    });
    EXPECT_EQ(client.ReadResponse().status, 431);
    client.ReadToEnd();
    client.ShutdownSend();
  }
}

TEST_F(ServerLimitsTest, BoundsTrailersAndChunkExtensions) {
  Start(Echo, {.max_header_bytes = 1024});
  const std::string start = "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  RawSocket trailers = Connect();
  trailers.Send(start + "0\r\nX: " + std::string(4096, 'x') + "\r\n\r\n");
  EXPECT_EQ(trailers.ReadResponse().status, 431);
  RawSocket extension = Connect();
  std::jthread sender([&] { extension.Send(start + "1;" + std::string(1 << 20, 'x')); });
  EXPECT_EQ(extension.ReadResponse().status, 400);
}

TEST_F(ServerLimitsTest, TellsASlowClientThatItsTimeIsUp) {
  Start(Echo, {.read_timeout = 30ms});
  for (const auto* part :
       {"GET / HT", "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx",
        "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n"}) {
    RawSocket client = Connect();
    client.Send(part);
    EXPECT_EQ(client.ReadResponse().status, 408) << part;
    EXPECT_TRUE(client.AtEnd());
  }
}

TEST_F(ServerLimitsTest, ClosesAConnectionThatAsksNothing) {
  Start(Echo, {.idle_timeout = 30ms});
  RawSocket silent = Connect();
  EXPECT_EQ(silent.ReadToEnd(), "");
  RawSocket once = Connect();
  once.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(once.ReadResponse().status, 200);
  EXPECT_TRUE(once.AtEnd());
}

TEST_F(ServerLimitsTest, ARequestBeingHandledHasNoDeadline) {
  std::promise<http::Responder> held;
  Start([&](http::Request, http::Responder respond) { held.set_value(std::move(respond)); },
        {.idle_timeout = 20ms, .read_timeout = 20ms, .write_timeout = 20ms});
  RawSocket client = Connect();
  client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  http::Responder respond = held.get_future().get();
  RawSocket other = Connect();  // its idle time ends after what the first would have had
  EXPECT_TRUE(other.AtEnd());
  respond(TextResponse("late"));
  EXPECT_EQ(client.ReadResponse().body, "late");
}

TEST_F(ServerLimitsTest, GivesUpOnAClientThatDoesNotReadAndFreesTheAnswer) {
  std::promise<void> freed;
  Start(
      [&](http::Request, http::Responder respond) {
        auto* bytes = new std::vector<std::byte>(64 << 20);
        std::shared_ptr<const void> owner(bytes, [bytes, &freed](const void*) {
          delete bytes;
          freed.set_value();
        });
        http::Response response;
        response.body.emplace_back(std::move(owner), std::span<const std::byte>(*bytes));
        respond(std::move(response));
      },
      {.write_timeout = 30ms});
  RawSocket client = Connect();
  client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(freed.get_future().wait_for(20s), std::future_status::ready);
}

TEST_F(ServerLimitsTest, ClosesConnectionsBeyondTheBoundAtOnce) {
  Start(Echo, {.max_connections = 1});
  RawSocket first = Connect();
  first.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(first.ReadResponse().status, 200);
  RawSocket second = Connect();
  EXPECT_TRUE(second.AtEnd());
  first.Send("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(first.ReadResponse().status, 200);
  EXPECT_TRUE(first.AtEnd());
  // The place is free again, at the latest soon after the first has seen its end.
  int status = 0;
  while (status == 0) {
    RawSocket third = Connect();
    third.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    status = third.ReadResponse().status;
  }
  EXPECT_EQ(status, 200);
}

TEST_F(ServerLimitsTest, AnswersFiveHundredForADroppedResponderAndAThrowingHandler) {
  Start([](http::Request request, http::Responder) {
    if (request.target == "/throw") throw std::runtime_error("a bug");
  });
  RawSocket client = Connect();
  for (const auto* target : {"/drop", "/throw", "/drop"}) {
    client.Send("GET " + std::string(target) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.ReadResponse().status, 500) << target;
  }
}

TEST_F(ServerLimitsTest, OnlyTheFirstCallOfAResponderCounts) {
  Start([](http::Request, http::Responder respond) {
    respond(TextResponse("first"));
    respond(TextResponse("second"));
  });
  RawSocket client = Connect();
  client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().body, "first");
  EXPECT_EQ(client.ReadResponse().body, "first");
}

TEST_F(ServerLimitsTest, AClientThatLeavesWhileItsRequestIsHandledDisturbsNobody) {
  std::promise<http::Responder> held;
  Start([&](http::Request request, http::Responder respond) {
    if (request.target == "/held") return held.set_value(std::move(respond));
    respond(TextResponse("fine"));
  });
  {
    RawSocket client = Connect();
    client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n");
    http::Responder respond = held.get_future().get();
    client.Close();
    respond(TextResponse(std::string(8 << 20, 'x')));
  }
  RawSocket other = Connect();
  other.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(other.ReadResponse().body, "fine");
}

TEST_F(ServerLimitsTest, AResponderMayOutliveServerAndLoops) {
  std::promise<http::Responder> called_late;
  std::promise<http::Responder> dropped_late;
  Start([&](http::Request request, http::Responder respond) {
    (request.target == "/a" ? called_late : dropped_late).set_value(std::move(respond));
  });
  RawSocket a = Connect();
  RawSocket b = Connect();
  a.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
  b.Send("GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  http::Responder first = called_late.get_future().get();
  http::Responder second = dropped_late.get_future().get();
  server_.reset();
  loops_.reset();
  first(TextResponse("nobody listens"));
  second = nullptr;
  EXPECT_EQ(a.ReadToEnd(), "");
  EXPECT_EQ(b.ReadToEnd(), "");
}

}  // namespace
}  // namespace sarai::net
