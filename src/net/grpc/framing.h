// The bytes of gRPC over HTTP/2: messages behind their five bytes, timeouts, texts of a status,
// metadata that is binary.
// Source: "gRPC over HTTP2" (PROTOCOL-HTTP2.md), the sections Requests and Responses.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "net/grpc/message.h"
#include "net/internal/buffers.h"
#include "wire/http/content_encoding.h"

namespace sarai::net {

inline constexpr size_t kGrpcPrefixBytes = 5;

// Messages out of the pieces in which they arrive, each in one block of its own.
class GrpcMessageReader {
 public:
  GrpcMessageReader(uint64_t max_bytes, http::ContentEncoding encoding)
      : max_bytes_(max_bytes), encoding_(encoding) {}

  // Complete messages, decompressed, go to the end of `messages`. Errors: RESOURCE_EXHAUSTED for
  // one that is too large, INTERNAL for bytes that are no message; nothing can be read afterwards.
  GrpcStatus Read(std::span<const std::byte> bytes, std::deque<Blob>& messages);
  // Some bytes of a message are there and others are not.
  bool midway() const { return prefix_size_ > 0; }

 private:
  GrpcStatus BeginMessage();
  GrpcStatus EndMessage(std::deque<Blob>& messages);

  const uint64_t max_bytes_;
  const http::ContentEncoding encoding_;
  std::array<std::byte, kGrpcPrefixBytes> prefix_{};
  size_t prefix_size_ = 0;  // of the message being read
  uint64_t length_ = 0;     // once the prefix is complete
  BodyBuffer body_;
};

// The message with its prefix; large parts stay as they are, small ones are joined. With an
// encoding, compressed. Errors: kInternal.
Result<GrpcMessage> FrameGrpcMessage(GrpcMessage message, http::ContentEncoding encoding);

// grpc-timeout: at most eight digits and a unit of H M S m u n. Nothing for anything else.
std::optional<Duration> ParseGrpcTimeout(std::string_view field);

// grpc-message: all but printable ASCII, and '%', as %XX.
std::string PercentEncodeStatus(std::string_view message);

// Fields whose names end in "-bin" travel in base64.
bool IsBinaryField(std::string_view name);
std::string DecodeBinaryField(std::string_view value);  // several, comma-separated: the first
std::string EncodeBinaryField(std::string_view bytes);

}  // namespace sarai::net
