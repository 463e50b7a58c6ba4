// Answers that are handed on while they arrive, and requests that nobody wants any more.
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>

#include "net/testing/stream_reader.h"
#include "net/testing/transport_fixture.h"

namespace sarai::net {
namespace {

using namespace std::chrono_literals;

constexpr const char* kChunkedHead =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: b\r\n\r\n";

class TransportStreamTest : public TransportFixture {
 protected:
  // Asks for a streamed answer and has the peer begin it with `bytes`.
  http::Response Begin(RawSocket& peer, std::string_view bytes) {
    options_.stream = true;
    auto outcome = Send(Get(), options_);
    if (first_) peer = peer_.Accept();
    first_ = false;
    peer.ReadRequest();
    peer.Send(bytes);
    Outcome got = outcome.get();
    if (got && got->stream) return *std::move(got);
    ADD_FAILURE() << "no streamed answer";
    return {.stream = std::make_shared<ByteStream>()};
  }

  SendOptions options_;
  RawSocket connection_{UniqueFd()};
  bool first_ = true;
};

TEST_F(TransportStreamTest, AnswersWithTheHeadAndHandsOnEachPartWhenItComes) {
  const http::Response response = Begin(connection_, kChunkedHead);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.Get("X-A"), "b");
  EXPECT_TRUE(response.body.empty());
  connection_.Send("3\r\none\r\n");
  EXPECT_EQ(NextChunk(*response.stream).part.text(), "one");
  connection_.Send("4\r\nmo");
  EXPECT_EQ(NextChunk(*response.stream).part.text(), "mo");
  connection_.Send("re\r\n0\r\n\r\n");
  const StreamEnd end = ReadToEnd(*response.stream);
  EXPECT_EQ(end.body, "re");
  EXPECT_TRUE(end.ended && end.failure.ok());
}

TEST_F(TransportStreamTest, KnowsTheEndOfABodyHoweverItIsAnnounced) {
  for (const bool sized : {true, false}) {
    const http::Response response =
        Begin(connection_, sized ? "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc"
                                 : "HTTP/1.1 200 OK\r\n\r\nabc");
    EXPECT_EQ(NextChunk(*response.stream).part.text(), "abc");
    connection_.Send("def");
    if (!sized) connection_.Close();
    const StreamEnd end = ReadToEnd(*response.stream);
    EXPECT_EQ(end.body, "def");
    EXPECT_TRUE(end.ended && end.failure.ok()) << end.failure.ToString();
  }
}

TEST_F(TransportStreamTest, UsesTheConnectionAgainAfterTheBodysEnd) {
  for (const char* rest : {"2\r\nok\r\n0\r\n\r\n", "0\r\n\r\n"}) {
    const http::Response response = Begin(connection_, kChunkedHead + std::string(rest));
    EXPECT_TRUE(ReadToEnd(*response.stream).ended);
  }
}

TEST_F(TransportStreamTest, EndsWithAFailureWhenTheConnectionBreaks) {
  const http::Response response = Begin(connection_, kChunkedHead + std::string("3\r\none\r\n"));
  connection_.Close();
  const StreamEnd end = ReadToEnd(*response.stream);
  EXPECT_EQ(end.body, "one");
  EXPECT_EQ(end.failure.code(), Code::kUnavailable) << end.failure.ToString();
}

TEST_F(TransportStreamTest, EndsWithAFailureWhenTheNextPartTakesTooLong) {
  options_.timeout = 50ms;
  const http::Response response = Begin(connection_, kChunkedHead);
  EXPECT_EQ(ReadToEnd(*response.stream).failure.code(), Code::kDeadlineExceeded);
  EXPECT_TRUE(connection_.AtEnd());
}

TEST_F(TransportStreamTest, EndsWithAFailureWhenTheTransportGoes) {
  const http::Response response = Begin(connection_, kChunkedHead);
  transport_.reset();
  EXPECT_EQ(ReadToEnd(*response.stream).failure.code(), Code::kUnavailable);
}

TEST_F(TransportStreamTest, LosesNothingForAReaderThatLags) {
  constexpr size_t kBytes = 80 << 20;  // more than the stream takes
  const http::Response response = Begin(
      connection_, "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBytes) + "\r\n\r\n");
  std::jthread sender([&] {
    for (size_t sent = 0; sent < kBytes; sent += 1 << 20)
      connection_.Send(std::string(1 << 20, static_cast<char>('a' + (sent >> 20) % 26)));
  });
  const StreamEnd end = ReadToEnd(*response.stream);
  EXPECT_TRUE(end.failure.ok()) << end.failure.ToString();
  ASSERT_EQ(end.body.size(), kBytes);
  for (size_t at = 0; at < kBytes; at += 1 << 20)
    ASSERT_EQ(end.body[at], static_cast<char>('a' + (at >> 20) % 26)) << at;
}

TEST_F(TransportStreamTest, ClosesTheConnectionWhenTheReaderGoes) {
  const http::Response response = Begin(connection_, kChunkedHead);
  response.stream->Abandon();
  EXPECT_TRUE(connection_.AtEnd());
}

TEST_F(TransportStreamTest, ARequestThatIsCancelledClosesItsConnection) {
  options_.cancellation = std::make_shared<Cancellation>();
  auto outcome = Send(Get(), options_);
  RawSocket peer = peer_.Accept();
  peer.ReadRequest();
  options_.cancellation->Cancel();
  EXPECT_TRUE(peer.AtEnd());
  EXPECT_EQ(ErrorOf(outcome.get()).status.code(), Code::kCancelled);
}

TEST_F(TransportStreamTest, ARequestThatWasCancelledBeforeIsNotSent) {
  options_.cancellation = std::make_shared<Cancellation>();
  options_.cancellation->Cancel();
  const SendError error = ErrorOf(Send(Get(), options_).get());
  EXPECT_EQ(error.status.code(), Code::kCancelled);
  EXPECT_TRUE(error.no_byte_received);
}

TEST_F(TransportStreamTest, AStreamIsCancelledInItsMiddle) {
  options_.cancellation = std::make_shared<Cancellation>();
  const http::Response response = Begin(connection_, kChunkedHead);
  options_.cancellation->Cancel();
  EXPECT_EQ(ReadToEnd(*response.stream).failure.code(), Code::kCancelled);
  EXPECT_TRUE(connection_.AtEnd());
}

TEST_F(TransportStreamTest, CancellingAnAnsweredRequestLeavesItsConnectionToTheNext) {
  options_.cancellation = std::make_shared<Cancellation>();
  auto first = Send(Get(), options_);
  RawSocket peer = peer_.Accept();
  peer.ReadRequest();
  peer.Send(kOk);
  ASSERT_TRUE(first.get().has_value());
  options_.cancellation->Cancel();
  auto second = Send(Get());
  peer.ReadRequest();
  peer.Send(kOk);
  EXPECT_TRUE(second.get().has_value());
}

}  // namespace
}  // namespace sarai::net
