// Bodies that are still being made when their answer begins, and clients that leave before it ends.
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>

#include "net/testing/server_fixture.h"

namespace sarai::net {
namespace {

using namespace std::chrono_literals;

constexpr const char* kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

http::Response StreamResponse(ByteStreamPtr stream) {
  http::Response response;
  response.stream = std::move(stream);
  return response;
}

class ServerStreamTest : public ServerFixture {
 protected:
  // "/held" waits for the test; "/echo…" echoes; anything else is answered with `stream_`.
  void StartStreaming() {
    Start([this](http::Request request, http::Responder respond) {
      if (request.target.starts_with("/echo")) return Echo(std::move(request), std::move(respond));
      if (request.target == "/held")
        return held_.set_value({std::move(request), std::move(respond)});
      respond(StreamResponse(stream_));
    });
  }
  struct Held {
    http::Request request;
    http::Responder respond;
  };
  Held Hold(RawSocket& client, std::string_view behind = "") {
    client.Send("GET /held HTTP/1.1\r\nHost: h\r\n\r\n" + std::string(behind));
    return held_.get_future().get();
  }
  bool Write(std::string text) { return stream_->Write(Blob::FromString(std::move(text))); }

  // Fulfilled when the client's leaving has been noticed.
  static std::future<void> Cancelled(const http::Request& request) {
    auto cancelled = std::make_shared<std::promise<void>>();
    request.cancellation->OnCancel([cancelled] { cancelled->set_value(); });
    return cancelled->get_future();
  }
  std::future<void> Abandoned() {
    auto abandoned = std::make_shared<std::promise<void>>();
    stream_->OnAbandoned([abandoned] { abandoned->set_value(); });
    return abandoned->get_future();
  }
  static bool Happens(std::future<void> event) {
    return event.wait_for(20s) == std::future_status::ready;
  }

  ByteStreamPtr stream_ = std::make_shared<ByteStream>();
  std::promise<Held> held_;
};

TEST_F(ServerStreamTest, SendsEachPartWhenItIsThere) {
  StartStreaming();
  RawSocket client = Connect();
  client.Send(kGet);
  const RawResponse head = client.ReadResponse(false);
  EXPECT_TRUE(head.HasLine("Transfer-Encoding: chunked")) << head.head;
  EXPECT_EQ(head.head.find("Content-Length"), std::string::npos);
  for (const std::string part : {"one", "two", "three"}) {
    Write(part);
    EXPECT_EQ(client.ReadChunk(), part);
  }
  stream_->End();
  EXPECT_EQ(client.ReadChunk(), "");
}

TEST_F(ServerStreamTest, SendsWhatIsThereAlreadyBehindTheFixedPartsAndKeepsTheConnection) {
  Start([](http::Request request, http::Responder respond) {
    http::Response response = StreamResponse(std::make_shared<ByteStream>());
    response.body.push_back(Blob::FromString("fixed,"));
    response.stream->Write(Blob::FromString(request.target));
    response.stream->Write({});
    response.stream->End();
    respond(std::move(response));
  });
  RawSocket client = Connect();
  for (const std::string target : {"/1", "/2"}) {
    client.Send("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    client.ReadResponse(false);
    EXPECT_EQ(client.ReadChunk(), "fixed," + target);
    EXPECT_EQ(client.ReadChunk(), "");
  }
}

TEST_F(ServerStreamTest, AnEmptyStreamIsAnEmptyBody) {
  StartStreaming();
  stream_->End();
  RawSocket client = Connect();
  client.Send(std::string(kGet) + "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  client.ReadResponse(false);
  EXPECT_EQ(client.ReadChunk(), "");
  EXPECT_EQ(client.ReadResponse().body, "GET /echo ");
}

TEST_F(ServerStreamTest, CutsTheConnectionBeforeTheLastChunkWhenTheBodyFails) {
  StartStreaming();
  RawSocket client = Connect();
  client.Send(kGet);
  client.ReadResponse(false);
  Write("half");
  EXPECT_EQ(client.ReadChunk(), "half");
  stream_->End(Status(Code::kInternal, "the model failed"));
  EXPECT_EQ(client.ReadChunk(), std::nullopt);
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(ServerStreamTest, EndsAnHttp10BodyWithTheConnection) {
  StartStreaming();
  RawSocket client = Connect();
  client.Send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(client.ReadResponse(false).HasLine("Connection: close"));
  Write("one");
  EXPECT_EQ(client.Read(3), "one");
  Write("two");
  stream_->End();
  EXPECT_EQ(client.ReadToEnd(), "two");
}

TEST_F(ServerStreamTest, AbandonsABodyThatNobodyMaySee) {
  StartStreaming();
  RawSocket client = Connect();
  client.Send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nGET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  client.ReadResponse(false);
  EXPECT_EQ(client.ReadResponse().body, "GET /echo ");
  EXPECT_FALSE(Write("more"));
}

TEST_F(ServerStreamTest, DoesNotPileUpWhatASlowClientLeaves) {
  stream_ = std::make_shared<ByteStream>(256 << 10);
  StartStreaming();
  RawSocket client = Connect();
  client.Send(kGet);
  client.ReadResponse(false);
  const std::string part(64 << 10, 'x');
  size_t parts = 0;
  while (parts < 2048 && Write(part)) ++parts;  // 128 MiB is more than sockets take
  EXPECT_LT(parts, 2048u);
  stream_->End();
  size_t bytes = 0;
  for (auto chunk = client.ReadChunk(); chunk && !chunk->empty(); chunk = client.ReadChunk())
    bytes += chunk->size();
  EXPECT_EQ(bytes, parts * part.size());
}

TEST_F(ServerStreamTest, AbandonsTheBodyWhenTheClientLeavesThoughNothingIsWritten) {
  StartStreaming();
  for (const bool reset : {false, true}) {
    stream_ = std::make_shared<ByteStream>();
    RawSocket client = Connect();
    client.Send(kGet);
    client.ReadResponse(false);
    reset ? client.Break() : client.Close();
    EXPECT_TRUE(Happens(Abandoned()));
    EXPECT_FALSE(Write("more"));
  }
}

TEST_F(ServerStreamTest, AbandonsTheBodyWhenTheClientHasLeftBeforeTheAnswer) {
  StartStreaming();
  RawSocket client = Connect();
  Held held = Hold(client);
  auto cancelled = Cancelled(held.request);
  client.Break();
  EXPECT_TRUE(Happens(std::move(cancelled)));
  held.respond(StreamResponse(stream_));
  EXPECT_TRUE(Happens(Abandoned()));
}

TEST_F(ServerStreamTest, AbandonsTheBodyWhenTheServersPatienceEnds) {
  StartStreaming();
  RawSocket client = Connect();
  client.Send(kGet);
  client.ReadResponse(false);
  server_->Drain(10ms);
  EXPECT_TRUE(Happens(Abandoned()));
  EXPECT_EQ(client.ReadChunk(), std::nullopt);
}

TEST_F(ServerStreamTest, ARequestBehindABodyBeingMadeWaitsForItsEnd) {
  StartStreaming();
  RawSocket client = Connect();
  client.Send(kGet);
  client.ReadResponse(false);
  client.Send("GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  Write("body");
  EXPECT_EQ(client.ReadChunk(), "body");
  stream_->End();
  EXPECT_EQ(client.ReadChunk(), "");
  EXPECT_EQ(client.ReadResponse().body, "GET /echo ");
}

TEST_F(ServerStreamTest, CancelsTheRequestOfAClientThatLeaves) {
  StartStreaming();
  for (const bool reset : {false, true}) {
    held_ = {};
    RawSocket client = Connect();
    Held held = Hold(client);
    EXPECT_FALSE(held.request.cancellation->cancelled());
    auto cancelled = Cancelled(held.request);
    reset ? client.Break() : client.Close();
    EXPECT_TRUE(Happens(std::move(cancelled)));
    held.respond(TextResponse("nobody hears"));
  }
}

TEST_F(ServerStreamTest, CancelsTheRequestOfAClientThatLeavesWithOthersWaitingBehind) {
  StartStreaming();
  RawSocket client = Connect();
  Held held = Hold(client, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  auto cancelled = Cancelled(held.request);
  client.Close();
  EXPECT_TRUE(Happens(std::move(cancelled)));
}

TEST_F(ServerStreamTest, AClientThatOnlySendsNoMoreStillGetsAnAnswerIfThereIsOne) {
  StartStreaming();
  RawSocket client = Connect();
  Held held = Hold(client, "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n");
  auto cancelled = Cancelled(held.request);
  client.ShutdownSend();
  EXPECT_TRUE(Happens(std::move(cancelled)));
  held.respond(TextResponse("all the same"));
  EXPECT_EQ(client.ReadResponse().body, "all the same");
  EXPECT_EQ(client.ReadResponse().body, "GET /echo ");
  EXPECT_TRUE(client.AtEnd());
}

TEST_F(ServerStreamTest, ARequestThatHasBeenAnsweredIsNotCancelled) {
  StartStreaming();
  RawSocket client = Connect();
  Held held = Hold(client);
  held.respond(TextResponse("ok"));
  EXPECT_EQ(client.ReadResponse().body, "ok");
  client.Close();
  server_->Drain(20s);
  EXPECT_FALSE(held.request.cancellation->cancelled());
}

TEST_F(ServerStreamTest, ReadsOnAsBeforeAfterWatchingForTheClientsEnd) {
  StartStreaming();
  const std::string body(300'000, 'b');
  const std::string large =
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
      "\r\n\r\n" + body;
  const std::string chunked =
      "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n493e0\r\n" + body +
      "\r\n0\r\n\r\n";
  const std::string small = "GET /echo HTTP/1.1\r\nHost: h\r\n\r\n";
  // Read while the first request is handled, in whole or in part: an empty line, a request, and a
  // head whose body follows later.
  const std::string all = "\r\n" + small + large + chunked;
  for (const size_t behind : {size_t{0}, size_t{2}, small.size() + 2, small.size() + 62,
                              small.size() + 40'000, all.size() - 300'000}) {
    held_ = {};
    RawSocket client = Connect();
    Held held = Hold(client, all.substr(0, behind));
    held.respond(TextResponse("first"));
    EXPECT_EQ(client.ReadResponse().body, "first");
    client.Send(all.substr(behind));
    EXPECT_EQ(client.ReadResponse().body, "GET /echo ") << behind;
    EXPECT_TRUE(client.ReadResponse().body == "POST /echo " + body) << behind;
    EXPECT_TRUE(client.ReadResponse().body == "POST /echo " + body) << behind;
    client.Send(small);
    EXPECT_EQ(client.ReadResponse().body, "GET /echo ") << behind;
  }
}

}  // namespace
}  // namespace sarai::net
