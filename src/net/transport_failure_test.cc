// What a Send ends with when the peer, the address or the process fails it.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "net/testing/transport_fixture.h"
#include "net/transport.h"

namespace sarai::net {
namespace {

using namespace std::chrono_literals;
using TransportFailureTest = TransportFixture;

TEST_F(TransportFailureTest, RetriesAStaleKeptAliveConnectionOnceOnAFreshOne) {
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

TEST_F(TransportFailureTest, DoesNotRetryAFreshConnection) {
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

TEST_F(TransportFailureTest, SaysThatThePeerHadBegunWhenItDiesInTheMiddle) {
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

TEST_F(TransportFailureTest, DoesNotRetryAKeptAliveConnectionThatHadBegunToAnswer) {
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

TEST_F(TransportFailureTest, RefusesWhatIsNoHttpResponse) {
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

TEST_F(TransportFailureTest, ABoundedResponseIsCutOffHoweverItIsFramed) {
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

TEST_F(TransportFailureTest, EndsARequestAtItsDeadline) {
  auto slow = Send(Get(), {.timeout = 50ms});
  RawSocket peer = peer_.Accept();
  peer.Send("HTTP/1.1 200");
  const Outcome outcome = slow.get();
  EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kDeadlineExceeded);
  EXPECT_FALSE(ErrorOf(outcome).no_byte_received);
  EXPECT_TRUE(peer.ReadUntil("\r\n\r\n").starts_with("GET / "));
  EXPECT_TRUE(peer.AtEnd());
}

TEST_F(TransportFailureTest, ASilentPeerCountsAsNotHavingBegun) {
  auto sent = Send(Get(), {.timeout = 50ms});
  RawSocket peer = peer_.Accept();
  const Outcome outcome = sent.get();
  EXPECT_EQ(ErrorOf(outcome).status.code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(ErrorOf(outcome).no_byte_received);
}

TEST_F(TransportFailureTest, ARefusedConnectionMayBeTriedElsewhere) {
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

TEST_F(TransportFailureTest, GivesUpOnAPeerThatTakesNoConnection) {
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

TEST_F(TransportFailureTest, RefusesAddressesAndRequestsThatCannotBeSent) {
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

TEST_F(TransportFailureTest, LoopsThatStopEndRequestsInFlightExactlyOnce) {
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

TEST_F(TransportFailureTest, ADestroyedTransportEndsRequestsInFlightAndClosesIdleConnections) {
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

TEST_F(TransportFailureTest, SendAndWaitRefusesToBlockALoop) {
  std::promise<Outcome> inner;
  transport_->Send(peer_.address(), Get(), {.timeout = 10ms}, [&](Outcome) {
    inner.set_value(SendAndWait(*transport_, peer_.address(), Get(), {}));
  });
  EXPECT_EQ(ErrorOf(inner.get_future().get()).status.code(), Code::kFailedPrecondition);
}

}  // namespace
}  // namespace sarai::net
