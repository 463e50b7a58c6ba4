// An HTTP/2 connection from the server's side: what a client sends, behind the preface, each
// request answered. In pieces of the size that the first line says.
#include "net/grpc/http2_session.h"
#include "base/strings.h"
#include "fuzz/fuzz.h"

namespace sarai::fuzz {
namespace {

constexpr net::Http2Limits kLimits = {.max_header_bytes = 1024,
                                      .max_frame_bytes = 1 << 14,
                                      .stream_window_bytes = 1 << 16,
                                      .connection_window_bytes = 1 << 20};

// Answers as the gRPC server does, and watches in which order it is told what.
class Server final : public net::Http2Session::Listener {
 public:
  net::Http2Session* session = nullptr;

  void OnRequest(int32_t stream, net::Http2Request request) override {
    FUZZ_EXPECT(streams_.emplace(stream, State()).second, "stream {} twice", stream);
    size_t bytes = 0;
    for (const auto& [name, value] : request.headers.fields()) {
      FUZZ_EXPECT(!name.starts_with(':') && name == ToLower(name), "'{}'", name);
      bytes += name.size() + value.size();
    }
    FUZZ_EXPECT(bytes <= kLimits.max_header_bytes);
    if (request.too_large) return session->RespondOnly(stream, {{":status", "431"}});
    session->Respond(stream, {{":status", "200"}, {"content-type", "application/grpc"}});
  }
  void OnData(int32_t stream, std::span<const std::byte> bytes) override {
    FUZZ_EXPECT(streams_.contains(stream) && !streams_[stream].ended);
    session->Consumed(stream, bytes.size());
    session->Send(stream, {Blob::Copy(bytes)});
  }
  void OnRequestEnd(int32_t stream) override {
    FUZZ_EXPECT(streams_.contains(stream) && !streams_[stream].ended);
    streams_[stream].ended = true;
    session->End(stream, {{"grpc-status", "0"}});
  }
  void OnSent(int32_t stream, size_t) override { FUZZ_EXPECT(streams_.contains(stream)); }
  void OnClosed(int32_t stream) override { streams_.erase(stream); }
  void OnPing() override {}
  void OnPong() override {}

 private:
  struct State {
    bool ended = false;
  };
  std::map<int32_t, State> streams_;
};

void Run(Input input) {
  const auto size = ParseInt(input.Line()).value_or(0);
  const auto piece = static_cast<size_t>(std::clamp<int64_t>(size, 1, 1 << 16));
  const std::string stream = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + std::string(input.rest());
  Server server;
  net::Http2Session session(kLimits, server);
  server.session = &session;
  for (size_t at = 0; at < stream.size() && !session.finished(); at += piece) {
    const std::string block = stream.substr(at, piece);
    const bool goes_on = ExpectAnswer(session.Receive(block));
    net::OutgoingBytes out;
    ExpectAnswer(session.Collect(out, 1 << 16));
    if (!goes_on) break;
  }
  session.Ping();
  session.GoAway(0, "bye");
  net::OutgoingBytes out;
  ExpectAnswer(session.Collect(out, 1 << 16));
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
