// What a client sees of the server when both behave: framing, keep-alive, order, bodies.
#include "net/server.h"

#include <gtest/gtest.h>

#include <future>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "net/testing/server_fixture.h"

namespace sarai::net {
namespace {

using namespace std::string_literals;
using ServerTest = ServerFixture;

std::string Post(std::string_view path, std::string_view body) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}

TEST_F(ServerTest, HandsTheRequestToTheHandlerAsItWasSent) {
  std::promise<http::Request> seen;
  Start([&](http::Request request, http::Responder respond) {
    seen.set_value(std::move(request));
    respond(TextResponse("ok"));
  });
  RawSocket client = Connect();
  client.Send(
      "POST /v2/models/a%20b/infer?x=1 HTTP/1.1\r\nHost: h\r\nX-Twice: 1\r\nx-twice:  2 \r\n"
      "Content-Length: 4\r\n\r\nb\0dy"s);
  const http::Request request = seen.get_future().get();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/v2/models/a%20b/infer?x=1");
  EXPECT_EQ(request.body.text(), "b\0dy"s);
  ASSERT_EQ(request.headers.fields().size(), 4u);
  EXPECT_EQ(request.headers.fields()[1], std::pair("X-Twice"s, "1"s));
  EXPECT_EQ(request.headers.fields()[2], std::pair("x-twice"s, "2"s));
}

TEST_F(ServerTest, SendsStatusHeadersLengthDateAndEveryPartOfTheBody) {
  Start([](http::Request, http::Responder respond) {
    http::Response response;
    response.status = 404;
    response.headers.Add("X-Model", "resnet");
    response.headers.Add("Content-Length", "77");  // the server's business, not the handler's
    for (int i = 0; i < 200; ++i)
      response.body.push_back(Blob::FromString(std::to_string(i) + ","));
    respond(std::move(response));
  });
  RawSocket client = Connect();
  client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const RawResponse response = client.ReadResponse();
  std::string expected;
  for (int i = 0; i < 200; ++i) expected += std::to_string(i) + ",";
  EXPECT_TRUE(response.head.starts_with("HTTP/1.1 404 Not Found\r\n")) << response.head;
  EXPECT_TRUE(response.HasLine("X-Model: resnet"));
  EXPECT_TRUE(response.HasLine("Server: sarai"));
  EXPECT_TRUE(response.HasLine("Content-Length: " + std::to_string(expected.size())));
  EXPECT_NE(response.head.find("\r\nDate: "), std::string::npos);
  EXPECT_EQ(response.head.find("77"), std::string::npos);
  EXPECT_EQ(response.body, expected);
}

TEST_F(ServerTest, AHandlersHeaderCannotSplitTheResponse) {
  Start([](http::Request, http::Responder respond) {
    http::Response response;
    response.headers.Add("X-Note", "a\r\nX-Evil: 1");
    response.headers.Add("Bad Name", "x");
    respond(std::move(response));
  });
  RawSocket client = Connect();
  client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const RawResponse response = client.ReadResponse();
  EXPECT_TRUE(response.HasLine("X-Note: a  X-Evil: 1")) << response.head;
  EXPECT_EQ(response.head.find("Bad Name"), std::string::npos);
}

TEST_F(ServerTest, KeepsTheConnectionForTheNextRequest) {
  Start(Echo);
  RawSocket client = Connect();
  for (int i = 0; i < 3; ++i) {
    client.Send(Post("/" + std::to_string(i), "x"));
    EXPECT_EQ(client.ReadResponse().body, "POST /" + std::to_string(i) + " x");
  }
}

TEST_F(ServerTest, ReadsTheSameRequestHoweverItIsSplit) {
  Start(Echo);
  const std::string transcript =
      "\r\nPOST /sized HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
      "POST /chunks HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;ext=\"v\"\r\nabc\r\n0A\r\n0123456789\r\n0\r\nX-Trailer: dropped\r\n\r\n";
  for (size_t cut = 0; cut <= transcript.size(); ++cut) {
    RawSocket client = Connect();
    client.Send(transcript.substr(0, cut));
    client.Send(transcript.substr(cut));
    ASSERT_EQ(client.ReadResponse().body, "POST /sized hello") << "cut at " << cut;
    ASSERT_EQ(client.ReadResponse().body, "POST /chunks abc0123456789") << "cut at " << cut;
  }
}

TEST_F(ServerTest, AnswersPipelinedRequestsInOrderThoughTheAnswersComeFromAnotherThread) {
  std::vector<std::jthread> threads;
  Start([&](http::Request request, http::Responder respond) {
    threads.emplace_back([request = std::move(request), respond = std::move(respond)]() mutable {
      respond(TextResponse(request.target));
    });
  });
  RawSocket client = Connect();
  client.Send(
      "GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().body, "/1");
  EXPECT_EQ(client.ReadResponse().body, "/2");
  EXPECT_EQ(client.ReadResponse().body, "/3");
  server_.reset();
}

TEST_F(ServerTest, ADeepPipelineTakesNoStack) {
  Start(Echo);
  constexpr int kRequests = 20'000;
  std::string requests;
  for (int i = 0; i < kRequests; ++i) requests += "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
  RawSocket client = Connect();
  std::jthread sender([&] { client.Send(requests); });
  for (int i = 0; i < kRequests; ++i) ASSERT_EQ(client.ReadResponse().body, "GET / ");
}

TEST_F(ServerTest, SendsContinueOnlyToAClientThatWaitsForIt) {
  Start(Echo);
  RawSocket client = Connect();
  client.Send("PUT /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("hi");
  EXPECT_EQ(client.ReadResponse().body, "PUT /a hi");
  client.Send(
      "PUT /b HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.Send("2\r\nhi\r\n0\r\n\r\n");
  EXPECT_EQ(client.ReadResponse().body, "PUT /b hi");
  client.Send("PUT /c HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(client.ReadResponse().body, "PUT /c hi");  // the body came along: no interim answer
}

TEST_F(ServerTest, AnswersHeadWithTheLengthAndNoBody) {
  Start([](http::Request, http::Responder respond) { respond(TextResponse("four")); });
  RawSocket client = Connect();
  client.Send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_TRUE(client.ReadResponse(false).HasLine("Content-Length: 4"));
  EXPECT_EQ(client.ReadResponse().body, "four");
}

TEST_F(ServerTest, NoContentHasNeitherBodyNorLength) {
  Start([](http::Request, http::Responder respond) { respond(TextResponse("dropped", 204)); });
  RawSocket client = Connect();
  client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(client.ReadResponse(false).head.find("Content-Length"), std::string::npos);
  EXPECT_EQ(client.ReadResponse(false).status, 204);
}

TEST_F(ServerTest, ClosesAfterTheAnswerWhenTheClientAsksForIt) {
  Start(Echo);
  for (const auto* request :
       {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    RawSocket client = Connect();
    client.Send(request);
    EXPECT_TRUE(client.ReadResponse().HasLine("Connection: close")) << request;
    EXPECT_TRUE(client.AtEnd()) << request;
  }
}

TEST_F(ServerTest, KeepsAnHttp10ConnectionThatAsksForIt) {
  Start(Echo);
  RawSocket client = Connect();
  for (int i = 0; i < 2; ++i) {
    client.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_TRUE(client.ReadResponse().HasLine("Connection: keep-alive"));
  }
}

TEST_F(ServerTest, AnswersAClientThatSendsNoMoreButStillReads) {
  Start(Echo);
  RawSocket client = Connect();
  client.Send("GET /last HTTP/1.1\r\nHost: h\r\n\r\n");
  client.ShutdownSend();
  EXPECT_EQ(client.ReadResponse().body, "GET /last ");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(ServerTest, ReducesAnAbsoluteTargetToItsPath) {
  Start(Echo);
  RawSocket client = Connect();
  const std::pair<const char*, const char*> cases[] = {
      {"http://h/a?b", "/a?b"}, {"http://h", "/"}, {"http://h?q", "/?q"}, {"*", "*"}};
  for (const auto& [sent, seen] : cases) {
    client.Send("OPTIONS " + std::string(sent) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.ReadResponse().body, "OPTIONS " + std::string(seen) + " ");
  }
}

TEST_F(ServerTest, MovesLargeBodiesBothWays) {
  Start([](http::Request request, http::Responder respond) {
    http::Response response;
    response.body.push_back(request.body.Slice(0, 5));
    response.body.push_back(request.body.Slice(5, request.body.size() - 5));
    respond(std::move(response));
  });
  std::string body(24 << 20, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 >> 3);
  RawSocket client = Connect();
  std::jthread sender([&] { client.Send(Post("/", body)); });
  const RawResponse response = client.ReadResponse();
  EXPECT_TRUE(response.body == body);
}

TEST_F(ServerTest, SpreadsConnectionsOverTheLoops) {
  std::mutex mu;
  std::set<std::thread::id> threads;
  Start([&](http::Request, http::Responder respond) {
    {
      std::lock_guard lock(mu);
      threads.insert(std::this_thread::get_id());
    }
    respond({});
  });
  for (int i = 0; i < 4; ++i) {
    RawSocket client = Connect();
    client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    ASSERT_EQ(client.ReadResponse().status, 200);
  }
  EXPECT_EQ(threads.size(), 2u);
}

TEST_F(ServerTest, GivesANewConnectionToTheLoopThatHasTheFewest) {
  Start(
      [](http::Request, http::Responder respond) {
        const auto thread = std::hash<std::thread::id>()(std::this_thread::get_id());
        respond(TextResponse(std::to_string(thread)));
      },
      {.max_connections = 2});
  const auto thread_of = [](RawSocket& client) {
    client.Send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    return client.ReadResponse().body;
  };
  RawSocket stays = Connect();
  const std::string busy = thread_of(stays);
  for (int i = 0; i < 8; ++i) {
    // Refused while the one before has not been seen to leave.
    std::string other;
    RawSocket short_lived = Connect();
    while ((other = thread_of(short_lived)).empty()) short_lived = Connect();
    EXPECT_NE(other, busy);
  }
}

TEST_F(ServerTest, SaysWhichAddressItCannotListenOn) {
  Start(Echo);
  ServerOptions taken;
  taken.port = server_->port();
  const auto second = HttpServer::Listen(*loops_, taken, Echo);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message().find(std::to_string(taken.port)), std::string::npos);
  EXPECT_EQ(server_->address(), "127.0.0.1:" + std::to_string(taken.port));
  const auto nowhere = HttpServer::Listen(*loops_, {.address = "no such host"}, Echo);
  EXPECT_EQ(nowhere.error().code(), Code::kInvalidArgument);
}

}  // namespace
}  // namespace sarai::net
