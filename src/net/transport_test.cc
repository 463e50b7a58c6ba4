// The HTTP transport against peers that work.
#include <netdb.h>

#include <fcntl.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "net/testing/transport_fixture.h"
#include "net/transport.h"

namespace sarai::net {
namespace {

using namespace std::chrono_literals;
using TransportTest = TransportFixture;

TEST_F(TransportTest, SendsTheRequestWithItsOwnFraming) {
  std::string seen;
  http::Request request{.method = "POST", .target = "/models/a/invoke?x"};
  request.headers.Add("X-Model", "a");
  request.headers.Add("Content-Length", "99");
  request.headers.Add("Transfer-Encoding", "chunked");
  request.headers.Add("Connection", "close");
  request.headers.Add("Expect", "100-continue");
  request.body = Blob::FromString("body");
  const Outcome outcome = SendTo(
      [&](RawSocket& peer) {
        seen = peer.ReadRequest();
        peer.Send("HTTP/1.1 404 Not Found\r\nX-A: b\r\nContent-Length: 3\r\n\r\nabc");
      },
      std::move(request));
  EXPECT_EQ(seen, "POST /models/a/invoke?x HTTP/1.1\r\nHost: " + peer_.address() +
                      "\r\nX-Model: a\r\nContent-Length: 4\r\n\r\nbody");
  ASSERT_TRUE(outcome.has_value());
  EXPECT_EQ(outcome->status, 404);
  EXPECT_EQ(outcome->headers.Get("x-a"), "b");
  EXPECT_EQ(BodyOf(*outcome), "abc");
}

TEST_F(TransportTest, UnderstandsEveryFramingOfAResponse) {
  const struct {
    std::string method, response, body;
  } cases[] = {
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"},
      {"GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n",
       "ok"},
      {"GET", "HTTP/1.0 200 OK\r\n\r\nup to the end", "up to the end"},
      {"GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + std::string(kOk),
       "ok"},
      {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n", ""},
      {"GET", "HTTP/1.1 204 No Content\r\n\r\n", ""},
      {"GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""},
  };
  for (const auto& [method, response, body] : cases) {
    transport_ = MakeHttpTransport(*one_loop_);  // forgets the last case's connection
    const Outcome outcome = SendTo(
        [&](RawSocket& peer) {
          peer.ReadRequest();
          for (char c : response) peer.Send({&c, 1});
          peer.ShutdownSend();
        },
        {.method = method, .target = "/"});
    ASSERT_TRUE(outcome.has_value()) << response << outcome.error().status.ToString();
    EXPECT_EQ(BodyOf(*outcome), body) << response;
  }
}

TEST_F(TransportTest, UsesAKeptAliveConnectionAgain) {
  auto first = Send(Get("/1"));
  RawSocket peer = peer_.Accept();
  EXPECT_TRUE(peer.ReadRequest().starts_with("GET /1 "));
  peer.Send(kOk);
  ASSERT_TRUE(first.get().has_value());
  auto second = Send(Get("/2"));
  EXPECT_TRUE(peer.ReadRequest().starts_with("GET /2 "));
  peer.Send(kOk);
  EXPECT_TRUE(second.get().has_value());
}

TEST_F(TransportTest, KeepsNoMoreIdleConnectionsThanItsBound) {
  transport_ = MakeHttpTransport(*one_loop_, 1);
  auto first = Send(Get());
  RawSocket a = peer_.Accept();
  auto second = Send(Get());
  RawSocket b = peer_.Accept();
  a.ReadRequest();
  b.ReadRequest();
  a.Send(kOk);
  ASSERT_TRUE(first.get().has_value());
  b.Send(kOk);
  ASSERT_TRUE(second.get().has_value());
  EXPECT_TRUE(b.AtEnd());
}

TEST_F(TransportTest, ClosesAConnectionThatIsIdleForTooLong) {
  transport_ = MakeHttpTransport(*one_loop_, 64, 20ms);
  auto outcome = Send(Get());
  RawSocket peer = peer_.Accept();
  peer.ReadRequest();
  peer.Send(kOk);
  EXPECT_TRUE(outcome.get().has_value());
  EXPECT_TRUE(peer.AtEnd());
}

TEST_F(TransportTest, DoesNotKeepAConnectionThatThePeerEndsOrThatSentTooMuch) {
  for (const auto* response :
       {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more"}) {
    EXPECT_TRUE(SendTo([&](RawSocket& peer) {
                  peer.ReadRequest();
                  peer.Send(response);
                  EXPECT_TRUE(peer.AtEnd());
                }).has_value());
  }
}

TEST_F(TransportTest, TakesAnAnswerThatComesBeforeTheRequestIsWholeAndLeavesTheConnection) {
  const Outcome outcome = SendTo(
      [&](RawSocket& peer) {
        peer.ReadUntil("\r\n\r\n");
        peer.Send("HTTP/1.1 413 Payload Too Large\r\nContent-Length: 0\r\n\r\n");
        peer.ReadToEnd();
      },
      {.method = "PUT", .target = "/", .body = Blob::FromString(std::string(64 << 20, 'x'))});
  ASSERT_TRUE(outcome.has_value()) << outcome.error().status.ToString();
  EXPECT_EQ(outcome->status, 413);
}

// As /proc tells it: the descriptors belong to other threads.
std::set<std::string> InheritableSockets() {
  std::set<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code closed_meanwhile;
    const auto target = std::filesystem::read_symlink(entry.path(), closed_meanwhile).string();
    std::ifstream info("/proc/self/fdinfo/" + entry.path().filename().string());
    unsigned long flags = O_CLOEXEC;
    for (std::string word; info >> word;)
      if (word == "flags:") info >> std::oct >> flags;
    if (target.starts_with("socket:") && (flags & O_CLOEXEC) == 0) found.insert(target);
  }
  return found;
}

TEST_F(TransportTest, ChildProcessesInheritNoSocket) {
  const std::set<std::string> before = InheritableSockets();
  Start(Echo);
  ASSERT_TRUE(SendAndWait(*transport_, server_->address(), Get(), {}).has_value());
  EXPECT_EQ(InheritableSockets(), before);
}

TEST_F(TransportTest, FindsAPeerByName) {
  addrinfo* found = nullptr;
  if (getaddrinfo("localhost", nullptr, nullptr, &found) != 0)
    GTEST_SKIP() << "this machine does not know the name localhost";
  freeaddrinfo(found);
  Start(Echo);
  const auto outcome =
      SendAndWait(*transport_, "localhost:" + std::to_string(server_->port()), Get("/named"), {});
  ASSERT_TRUE(outcome.has_value()) << outcome.error().status.ToString();
  EXPECT_EQ(BodyOf(*outcome), "GET /named ");
}

TEST_F(TransportTest, MovesLargeBodiesBothWays) {
  Start([](http::Request request, http::Responder respond) {
    http::Response response;
    response.body.push_back(std::move(request.body));
    respond(std::move(response));
  });
  std::string body(24 << 20, '\0');
  for (size_t i = 0; i < body.size(); ++i) body[i] = static_cast<char>(i * 31 >> 3);
  const auto outcome =
      SendAndWait(*transport_, server_->address(),
                  {.method = "POST", .target = "/", .body = Blob::FromString(body)}, {});
  ASSERT_TRUE(outcome.has_value()) << outcome.error().status.ToString();
  EXPECT_TRUE(BodyOf(*outcome) == body);
}

TEST_F(TransportTest, ARequestSentOnALoopStaysOnItsThread) {
  Start(Echo);
  transport_ = MakeHttpTransport(*loops_);
  std::atomic<int> strayed{0};
  const std::string echo = server_->address();
  auto front = HttpServer::Listen(*loops_, {}, [&](http::Request request, http::Responder respond) {
    const auto here = std::this_thread::get_id();
    transport_->Send(echo, std::move(request), {},
                     [&, here, respond = std::move(respond)](Outcome outcome) mutable {
                       strayed += std::this_thread::get_id() != here;
                       respond(outcome ? *std::move(outcome) : TextResponse("failed", 502));
                     });
  });
  ASSERT_TRUE(front.has_value());
  for (int i = 0; i < 8; ++i) {
    RawSocket client = RawSocket::Connect((*front)->port());
    client.Send("GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(client.ReadResponse().body, "GET /" + std::to_string(i) + " ");
  }
  EXPECT_EQ(strayed, 0);
}

TEST_F(TransportTest, ManyThreadsGetTheirOwnAnswers) {
  Start(Echo);
  transport_ = MakeHttpTransport(*loops_, 2);
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < 200; ++i) {
          const std::string target = "/" + std::to_string(t) + "/" + std::to_string(i);
          const auto outcome = SendAndWait(*transport_, server_->address(), Get(target), {});
          wrong += !outcome || BodyOf(*outcome) != "GET " + target + " ";
        }
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace sarai::net
