// gRPC's bytes: the encoding and the sizes of the pieces in which they arrive in the first line,
// then the bytes of messages. The line is read as a timeout and as binary metadata too.
#include <sstream>

#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "net/grpc/framing.h"

namespace sarai::fuzz {
namespace {

constexpr uint64_t kMaxBytes = 16 << 10;

struct Received {
  std::deque<Blob> messages;
  bool ok = true, midway = false;
};

Received Read(std::string_view stream, http::ContentEncoding encoding,
              const std::vector<size_t>& pieces) {
  net::GrpcMessageReader reader(kMaxBytes, encoding);
  Received received;
  for (size_t at = 0, next = 0; at < stream.size() && received.ok;) {
    const size_t piece = pieces.empty() ? stream.size() : pieces[next++ % pieces.size()];
    const Blob block =
        Blob::Copy(std::as_bytes(std::span(stream.substr(at, std::max<size_t>(piece, 1)))));
    at += block.size();
    received.ok = reader.Read(block.bytes(), received.messages).ok();
  }
  received.midway = reader.midway();
  return received;
}

void ExpectSame(const std::deque<Blob>& a, const std::deque<Blob>& b) {
  FUZZ_EXPECT(a.size() == b.size(), "{}, {}", a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) FUZZ_EXPECT(a[i].text() == b[i].text());
}

// Framed again, they are the same messages.
void ExpectSameFramed(const std::deque<Blob>& messages, http::ContentEncoding encoding) {
  std::string stream;
  for (const Blob& message : messages) {
    const size_t half = message.size() / 2;
    const auto framed = net::FrameGrpcMessage(
        {message.Slice(0, half), message.Slice(half, message.size() - half)}, encoding);
    FUZZ_EXPECT(framed.has_value(), "{}", framed.error().message());
    stream += Join(*framed);
  }
  const Received again = Read(stream, encoding, {});
  FUZZ_EXPECT(again.ok && !again.midway);
  ExpectSame(again.messages, messages);
}

void Texts(std::string_view text) {
  const auto timeout = net::ParseGrpcTimeout(text);
  if (timeout) FUZZ_EXPECT(timeout->count() >= 0 && *timeout <= std::chrono::hours(24 * 366 * 200));
  FUZZ_EXPECT(net::DecodeBinaryField(net::EncodeBinaryField(text)) == text);
  (void)net::DecodeBinaryField(text);
  for (const char c : net::PercentEncodeStatus(text)) FUZZ_EXPECT(c >= 0x20 && c <= 0x7e);
}

void Run(Input input) {
  const std::string_view line = input.Line();
  Texts(line);
  std::istringstream words{std::string(line)};
  std::string name;
  words >> name;
  const auto encoding = http::ParseContentEncoding(name).value_or(http::ContentEncoding::kIdentity);
  std::vector<size_t> pieces;
  for (size_t piece = 0; pieces.size() < 16 && words >> piece;) pieces.push_back(piece);
  const Received whole = Read(input.rest(), encoding, {});
  const Received cut = Read(input.rest(), encoding, pieces);
  FUZZ_EXPECT(whole.ok == cut.ok && whole.midway == cut.midway);
  ExpectSame(whole.messages, cut.messages);
  for (const Blob& message : whole.messages) FUZZ_EXPECT(message.size() <= kMaxBytes);
  ExpectSameFramed(whole.messages, encoding);
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
