// The HTTP transport against our own server and against peers played by hand.
#include "net/transport.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "net/testing/server_fixture.h"

namespace sarai::net {
namespace {

using namespace std::chrono_literals;
using Outcome = std::expected<http::Response, SendError>;

constexpr const char* kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

http::Request Get(std::string target = "/") {
  return {.method = "GET", .target = std::move(target)};
}

// A wrong success must fail the expectation, not be undefined.
SendError ErrorOf(const Outcome& outcome) {
  if (!outcome) return outcome.error();
  ADD_FAILURE() << "answered " << outcome->status;
  return {Status(Code::kInternal, "no error"), false};
}

std::string BodyOf(const http::Response& response) {
  std::string body;
  for (const Blob& part : response.body) body += part.text();
  return body;
}

class TransportTest : public ServerFixture {
 protected:
  std::future<Outcome> Send(http::Request request, SendOptions options = {}) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    auto future = promise->get_future();
    transport_->Send(peer_.address(), std::move(request), options,
                     [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
    return future;
  }
  // Sends and has `play` act as the peer of the one connection meanwhile.
  Outcome SendTo(const std::function<void(RawSocket&)>& play, http::Request request = Get(),
                 SendOptions options = {}) {
    auto outcome = Send(std::move(request), options);
    RawSocket peer = peer_.Accept();
    play(peer);
    return outcome.get();
  }

  RawListener peer_;
  std::unique_ptr<EventLoops> one_loop_ = std::make_unique<EventLoops>(1);
  std::unique_ptr<Transport> transport_ = MakeHttpTransport(*one_loop_);
};

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

TEST_F(TransportTest, RetriesAStaleKeptAliveConnectionOnceOnAFreshOne) {
  auto first = Send(Get("/1"));
  RawSocket stale = peer_.Accept();
  stale.ReadRequest();
  stale.Send(kOk);
  ASSERT_TRUE(first.get().has_value());
  auto second = Send({.method = "POST", .target = "/2", .body = Blob::FromString("again")});
  stale.ReadRequest();
  stale.Close();
  RawSocket fresh = peer_.Accept();
  EXPECT_TRUE(fresh.ReadRequest().ends_with("\r\n\r\nagain"));
  fresh.Send(kOk);
  EXPECT_TRUE(second.get().has_value());
}

TEST_F(TransportTest, DoesNotRetryAFreshConnection) {
  auto first = Send(Get("/1"));
  RawSocket stale = peer_.Accept();
  stale.ReadRequest();
  stale.Send(kOk);
  ASSERT_TRUE(first.get().has_value());
  auto second = Send(Get("/2"));
  stale.ReadRequest();
  stale.Close();
  RawSocket fresh = peer_.Accept();
  fresh.ReadRequest();
  fresh.Close();
  const Outcome outcome = second.get();
  ASSERT_FALSE(outcome.has_value());
  EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kUnavailable);
  EXPECT_TRUE(ErrorOf(outcome).no_byte_received);
}

TEST_F(TransportTest, SaysThatThePeerHadBegunWhenItDiesInTheMiddle) {
  for (const auto* begun : {"H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"}) {
    const Outcome outcome = SendTo([&](RawSocket& peer) {
      peer.ReadRequest();
      peer.Send(begun);
      peer.Close();
    });
    ASSERT_FALSE(outcome.has_value()) << begun;
    EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kUnavailable);
    EXPECT_FALSE(ErrorOf(outcome).no_byte_received) << begun;
  }
}

TEST_F(TransportTest, DoesNotRetryAKeptAliveConnectionThatHadBegunToAnswer) {
  auto first = Send(Get("/1"));
  RawSocket peer = peer_.Accept();
  peer.ReadRequest();
  peer.Send(kOk);
  ASSERT_TRUE(first.get().has_value());
  auto second = Send(Get("/2"));
  peer.ReadRequest();
  peer.Send("HTTP/1.1 ");
  peer.Close();
  EXPECT_FALSE(ErrorOf(second.get()).no_byte_received);
}

TEST_F(TransportTest, RefusesWhatIsNoHttpResponse) {
  for (const auto* nonsense :
       {"SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1 banana\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx"}) {
    const Outcome outcome = SendTo([&](RawSocket& peer) {
      peer.ReadRequest();
      peer.Send(nonsense);
      EXPECT_TRUE(peer.AtEnd());
    });
    EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kUnavailable) << nonsense;
    EXPECT_FALSE(ErrorOf(outcome).no_byte_received);
  }
}

TEST_F(TransportTest, ABoundedResponseIsCutOffHoweverItIsFramed) {
  for (const auto* large : {"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n",
                            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n",
                            "HTTP/1.0 200 OK\r\n\r\n01234567890"}) {
    const Outcome outcome = SendTo(
        [&](RawSocket& peer) {
          peer.ReadRequest();
          peer.Send(large);
          EXPECT_TRUE(peer.AtEnd());
        },
        Get(), {.max_response_bytes = 10});
    EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kResourceExhausted) << large;
  }
}

TEST_F(TransportTest, EndsARequestAtItsDeadline) {
  auto slow = Send(Get(), {.timeout = 50ms});
  RawSocket peer = peer_.Accept();
  peer.Send("HTTP/1.1 200");
  const Outcome outcome = slow.get();
  EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kDeadlineExceeded);
  EXPECT_FALSE(ErrorOf(outcome).no_byte_received);
  EXPECT_TRUE(peer.ReadUntil("\r\n\r\n").starts_with("GET / "));
  EXPECT_TRUE(peer.AtEnd());
}

TEST_F(TransportTest, ASilentPeerCountsAsNotHavingBegun) {
  auto sent = Send(Get(), {.timeout = 50ms});
  RawSocket peer = peer_.Accept();
  const Outcome outcome = sent.get();
  EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(ErrorOf(outcome).no_byte_received);
}

TEST_F(TransportTest, ARefusedConnectionMayBeTriedElsewhere) {
  std::string address;
  {
    RawListener gone;
    address = gone.address();
  }
  const Outcome outcome = SendAndWait(*transport_, address, Get(), {});
  EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kUnavailable);
  EXPECT_TRUE(ErrorOf(outcome).no_byte_received);
  EXPECT_NE(ErrorOf(outcome).status.message().find(address), std::string::npos);
}

TEST_F(TransportTest, GivesUpOnAPeerThatTakesNoConnection) {
  RawListener full(0);
  std::vector<std::future<Outcome>> outcomes;  // more than the kernel takes unaccepted
  for (int i = 0; i < 4; ++i) {
    auto promise = std::make_shared<std::promise<Outcome>>();
    outcomes.push_back(promise->get_future());
    transport_->Send(full.address(), Get(), {.connect_timeout = 50ms, .timeout = 200ms},
                     [promise](Outcome outcome) { promise->set_value(std::move(outcome)); });
  }
  int unavailable = 0;
  for (auto& outcome : outcomes) {
    const Outcome ended = outcome.get();
    ASSERT_FALSE(ended.has_value());
    EXPECT_TRUE(ErrorOf(ended).no_byte_received);
    unavailable += ErrorOf(ended).status.code() == Code::kUnavailable;
  }
  EXPECT_GT(unavailable, 0);
}

TEST_F(TransportTest, RefusesAddressesAndRequestsThatCannotBeSent) {
  for (const auto* address : {"", "host", "host:", "host:0", "host:70000", ":80", "host:8x"}) {
    const Outcome outcome = SendAndWait(*transport_, address, Get(), {});
    EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kInvalidArgument) << address;
  }
  for (const http::Request& request :
       {Get("/a b"), Get("/\r\nX: y"), Get(""), http::Request{.method = "G T", .target = "/"}}) {
    const Outcome outcome = SendAndWait(*transport_, peer_.address(), request, {});
    EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kInvalidArgument) << request.target;
    EXPECT_TRUE(ErrorOf(outcome).no_byte_received);
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

TEST_F(TransportTest, FindsAPeerByName) {
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

TEST_F(TransportTest, LoopsThatStopEndRequestsInFlightExactlyOnce) {
  std::atomic<int> calls{0};
  std::promise<Outcome> ended;
  transport_->Send(peer_.address(), Get(), {}, [&](Outcome outcome) {
    ++calls;
    // Sending again from the callback ends too, instead of hanging or running forever.
    transport_->Send(peer_.address(), Get(), {}, [&](Outcome again) {
      EXPECT_EQ(ErrorOf(again).status.code(), Code::kUnavailable);
      ++calls;
    });
    ended.set_value(std::move(outcome));
  });
  RawSocket peer = peer_.Accept();
  peer.ReadRequest();
  one_loop_->Stop();
  EXPECT_EQ(ErrorOf(ended.get_future().get()).status.code(), Code::kUnavailable);
  EXPECT_EQ(calls, 2);
  const Outcome late = SendAndWait(*transport_, peer_.address(), Get(), {});
  EXPECT_EQ(ErrorOf(late).status.code(), Code::kUnavailable);
  one_loop_.reset();
  transport_.reset();
}

TEST_F(TransportTest, ADestroyedTransportEndsRequestsInFlightAndClosesIdleConnections) {
  auto first = Send(Get());
  RawSocket idle = peer_.Accept();
  auto second = Send(Get());
  RawSocket busy = peer_.Accept();
  idle.ReadRequest();
  idle.Send(kOk);
  ASSERT_TRUE(first.get().has_value());
  transport_.reset();
  EXPECT_EQ(ErrorOf(second.get()).status.code(), Code::kUnavailable);
  EXPECT_TRUE(idle.AtEnd());
  busy.ReadRequest();
  EXPECT_TRUE(busy.AtEnd());
}

TEST_F(TransportTest, SendAndWaitRefusesToBlockALoop) {
  std::promise<Outcome> inner;
  transport_->Send(peer_.address(), Get(), {.timeout = 10ms}, [&](Outcome) {
    inner.set_value(SendAndWait(*transport_, peer_.address(), Get(), {}));
  });
  EXPECT_EQ(ErrorOf(inner.get_future().get()).status.code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace sarai::net
