// The gRPC server against clients that no library would play: frames made by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <string>

#include "net/grpc/server.h"
#include "net/testing/raw_socket.h"

namespace sarai::net {
namespace {

using testing::HasSubstr;
using Fields = std::map<std::string, std::string>;

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr uint8_t kData = 0, kHeaders = 1, kReset = 3, kSettings = 4, kPing = 6, kGoAway = 7;
constexpr uint8_t kEnd = 0xff;  // no frame: the connection has ended
constexpr uint8_t kEndStream = 1, kEndHeaders = 4;

std::string BigEndian(uint32_t value, int bytes) {
  std::string text;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    text += static_cast<char>(value >> shift);
  return text;
}

std::string Frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload = {}) {
  return BigEndian(static_cast<uint32_t>(payload.size()), 3) + static_cast<char>(type) +
         static_cast<char>(flags) + BigEndian(stream, 4) + std::string(payload);
}

// Literal fields without indexing (RFC 7541 §6.2.2), short ones.
std::string Block(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block += '\0';
    for (const std::string& text : {name, value}) block += static_cast<char>(text.size()) + text;
  }
  return block;
}

std::string Request(uint32_t stream, const std::string& content_type = "application/grpc",
                    const std::string& method = "POST",
                    std::vector<std::pair<std::string, std::string>> more = {}) {
  std::vector<std::pair<std::string, std::string>> fields = {{":method", method},
                                                             {":scheme", "http"},
                                                             {":path", "/unary"},
                                                             {":authority", "here"},
                                                             {"content-type", content_type}};
  fields.insert(fields.end(), more.begin(), more.end());
  return Frame(kHeaders, kEndHeaders, stream, Block(fields));
}

struct ReceivedFrame {
  uint8_t type = kEnd;
  uint8_t flags = 0;
  std::string payload;
};

class Http2Peer : public testing::Test {
 protected:
  void SetUp() override { Start(); }
  void TearDown() override {
    socket_.reset();
    server_.reset();
    nghttp2_hd_inflate_del(inflater_);
  }

  void Start() {
    auto server = GrpcServer::Listen({}, [](const GrpcCallPtr& call) {
      call->Read([call](std::optional<Blob> message) {
        call->FinishWith({Blob::FromString("got "), message.value_or(Blob())});
      });
    });
    ASSERT_TRUE(server) << server.error().message();
    server_ = std::move(*server);
    const std::string address = server_->address();
    socket_ = std::make_unique<RawSocket>(RawSocket::Connect(
        static_cast<uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)))));
    nghttp2_hd_inflate_new(&inflater_);
  }
  void Greet() { socket_->Send(std::string(kPreface) + Frame(kSettings, 0, 0)); }

  ReceivedFrame Next() {
    const std::string head = socket_->Read(9);
    if (head.size() < 9) return {};
    const auto byte = [&head](size_t at) { return static_cast<uint8_t>(head[at]); };
    const size_t size = byte(0) << 16 | byte(1) << 8 | byte(2);
    return {byte(3), byte(4), socket_->Read(size)};
  }
  ReceivedFrame NextOf(uint8_t type) {
    for (int i = 0; i < 100; ++i)
      if (ReceivedFrame frame = Next(); frame.type == type || frame.type == kEnd) return frame;
    return {};
  }
  Fields NextHeaders() {
    const ReceivedFrame frame = NextOf(kHeaders);
    Fields fields;
    const auto* at = reinterpret_cast<const uint8_t*>(frame.payload.data());
    size_t left = frame.payload.size();
    while (true) {
      nghttp2_nv field{};
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      if (used < 0) break;
      at += used;
      left -= static_cast<size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
        fields[{reinterpret_cast<char*>(field.name), field.namelen}] = {
            reinterpret_cast<char*>(field.value), field.valuelen};
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
        nghttp2_hd_inflate_end_headers(inflater_);
        break;
      }
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0 && left == 0) break;
    }
    return fields;
  }
  // A call that must work whatever came before it.
  void ExpectAnswer(uint32_t stream) {
    socket_->Send(Request(stream) +
                  Frame(kData, kEndStream, stream, std::string_view("\0\0\0\0\1x", 6)));
    EXPECT_EQ(NextHeaders()[":status"], "200");
    EXPECT_THAT(NextOf(kData).payload, HasSubstr("got x"));
    EXPECT_EQ(NextHeaders()["grpc-status"], "0");
  }

  std::unique_ptr<GrpcServer> server_;
  std::unique_ptr<RawSocket> socket_;
  nghttp2_hd_inflater* inflater_ = nullptr;
};

TEST_F(Http2Peer, IsAnswered) {
  Greet();
  ExpectAnswer(1);
  ExpectAnswer(3);
}

TEST_F(Http2Peer, ThatSpeaksAnotherProtocolIsLeft) {
  socket_->Send("GET /v2/health/ready HTTP/1.1\r\nHost: here\r\n\r\n");
  EXPECT_EQ(NextOf(kGoAway).type, kEnd);
}

TEST_F(Http2Peer, ThatSendsNonsenseIsToldAndLeft) {
  Greet();
  socket_->Send(Frame(kData, 0, 0, "data of no stream"));
  EXPECT_EQ(NextOf(kGoAway).type, kGoAway);
  EXPECT_EQ(NextOf(kHeaders).type, kEnd);
}

TEST_F(Http2Peer, ThatWantsNoGrpcIsRefusedInWordsOfHttp) {
  Greet();
  socket_->Send(Request(1, "application/json"));
  EXPECT_EQ(NextHeaders()[":status"], "415");
  socket_->Send(Request(3, "application/grpc", "GET"));
  EXPECT_EQ(NextHeaders()[":status"], "405");
  ExpectAnswer(5);
}

TEST_F(Http2Peer, ThatCutsItsMessageShortGetsAStatus) {
  Greet();
  socket_->Send(Request(1) + Frame(kData, kEndStream, 1, std::string_view("\0\0\0\0\7x", 6)));
  Fields end = NextHeaders();
  EXPECT_EQ(end["grpc-status"], "13");
  EXPECT_THAT(end["grpc-message"], HasSubstr("in the middle of a message"));
  ExpectAnswer(3);
}

TEST_F(Http2Peer, ThatAsksForAnUnknownEncodingGetsAStatus) {
  Greet();
  socket_->Send(Request(1, "application/grpc", "POST", {{"grpc-encoding", "brotli"}}));
  Fields end = NextHeaders();
  EXPECT_EQ(end["grpc-status"], "12");
  EXPECT_THAT(end["grpc-message"], HasSubstr("'brotli'"));
  EXPECT_EQ(end["grpc-accept-encoding"], "identity,deflate,gzip");
  ExpectAnswer(3);
}

TEST_F(Http2Peer, ThatSendsTooMuchMetadataGetsAStatus) {
  Greet();
  std::vector<std::pair<std::string, std::string>> fields;
  for (int i = 0; i < 115; ++i)
    fields.emplace_back("x-" + std::to_string(i), std::string(120, 'v'));
  std::string request = Request(1, "application/grpc", "POST", fields);
  ASSERT_LT(request.size(), 16384u);  // of the frame; with its overhead the list is larger
  socket_->Send(request);
  EXPECT_EQ(NextHeaders()["grpc-status"], "8");
  ExpectAnswer(3);
}

TEST_F(Http2Peer, ThatSendsMoreBehindTheAnswerIsToldToStop) {
  Greet();
  socket_->Send(Request(1) + Frame(kData, 0, 1, std::string_view("\0\0\0\0\1x", 6)));
  EXPECT_EQ(NextHeaders()[":status"], "200");
  EXPECT_EQ(NextHeaders()["grpc-status"], "0");
  EXPECT_EQ(NextOf(kReset).payload, std::string(4, '\0'));  // NO_ERROR
  ExpectAnswer(3);
}

TEST_F(Http2Peer, ThatPingsTooOftenIsTold) {
  Greet();
  for (int i = 0; i < 5; ++i) socket_->Send(Frame(kPing, 0, 0, "12345678"));
  const ReceivedFrame frame = NextOf(kGoAway);
  EXPECT_EQ(frame.type, kGoAway);
  EXPECT_THAT(frame.payload, HasSubstr("too_many_pings"));
  EXPECT_EQ(NextOf(kHeaders).type, kEnd);
}

}  // namespace
}  // namespace sarai::net
