#include "net/grpc/framing.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <fmt/format.h>

#include "base/base64.h"

namespace sarai::net {
namespace {

constexpr int kResourceExhausted = 8, kInternal = 13;
constexpr size_t kJoinedBytes = 2048;  // copying this much costs less than sending it by itself
constexpr uint64_t kMaxMessageBytes = UINT32_MAX;

void AppendPrefix(std::string& out, uint64_t size, bool compressed) {
  out += compressed ? '\1' : '\0';
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
}

uint64_t ByteCount(const GrpcMessage& message) {
  uint64_t count = 0;
  for (const Blob& part : message) count += part.size();
  return count;
}

}  // namespace

GrpcStatus GrpcMessageReader::Read(std::span<const std::byte> bytes, std::deque<Blob>& messages) {
  while (!bytes.empty()) {
    if (prefix_size_ < kGrpcPrefixBytes) {
      const size_t taken = std::min(bytes.size(), kGrpcPrefixBytes - prefix_size_);
      std::ranges::copy(bytes.first(taken), prefix_.begin() + prefix_size_);
      prefix_size_ += taken;
      bytes = bytes.subspan(taken);
      if (prefix_size_ < kGrpcPrefixBytes) return {};
      if (GrpcStatus status = BeginMessage(); !status.ok()) return status;
    }
    while (!bytes.empty() && body_.size() < length_) {
      const auto room = body_.Prepare(length_);
      if (room.empty()) return {kResourceExhausted, "no memory for the message"};
      const size_t taken = std::min(room.size(), bytes.size());
      std::memcpy(room.data(), bytes.data(), taken);
      body_.Commit(taken);
      bytes = bytes.subspan(taken);
    }
    if (body_.size() < length_) return {};
    if (GrpcStatus status = EndMessage(messages); !status.ok()) return status;
  }
  return {};
}

GrpcStatus GrpcMessageReader::BeginMessage() {
  length_ = 0;
  for (size_t i = 1; i < kGrpcPrefixBytes; ++i)
    length_ = length_ << 8 | std::to_integer<uint64_t>(prefix_[i]);
  const int flag = std::to_integer<int>(prefix_[0]);
  if (flag > 1)
    return {kInternal, fmt::format("a message begins with the flag {}: 0 and 1 are known", flag)};
  if (flag == 1 && encoding_ == http::ContentEncoding::kIdentity)
    return {kInternal, "a message is marked as compressed, but the call has no grpc-encoding"};
  if (length_ <= max_bytes_) return {};
  return {kResourceExhausted,
          fmt::format("Received message larger than max ({} vs. {})", length_, max_bytes_)};
}

GrpcStatus GrpcMessageReader::EndMessage(std::deque<Blob>& messages) {
  prefix_size_ = 0;
  Blob message = body_.Release();
  if (std::to_integer<int>(prefix_[0]) == 0) {
    messages.push_back(std::move(message));
    return {};
  }
  auto plain = http::Decode(encoding_, message, max_bytes_);
  if (plain) {
    messages.push_back(std::move(*plain));
    return {};
  }
  if (plain.error().code() == Code::kResourceExhausted)
    return {kResourceExhausted,
            fmt::format("Decompressed message larger than max ({})", max_bytes_)};
  return {kInternal, plain.error().message()};
}

Result<GrpcMessage> FrameGrpcMessage(GrpcMessage message, http::ContentEncoding encoding) {
  const bool compressed = encoding != http::ContentEncoding::kIdentity;
  if (compressed) {
    SARAI_TRY(Blob body, http::Encode(encoding, message));
    message = {std::move(body)};
  }
  const uint64_t size = ByteCount(message);
  if (size > kMaxMessageBytes)
    return Error(Code::kInternal, "an answer of {} bytes is too large for a gRPC message", size);
  std::string joined;
  joined.reserve(kGrpcPrefixBytes + std::min<uint64_t>(size, kJoinedBytes));
  AppendPrefix(joined, size, compressed);
  GrpcMessage framed;
  for (Blob& part : message) {
    if (part.size() <= kJoinedBytes) {
      joined += part.text();
      continue;
    }
    if (!joined.empty()) framed.push_back(Blob::FromString(std::exchange(joined, {})));
    framed.push_back(std::move(part));
  }
  if (!joined.empty()) framed.push_back(Blob::FromString(std::move(joined)));
  return framed;
}

std::optional<Duration> ParseGrpcTimeout(std::string_view field) {
  constexpr size_t kMaxDigits = 8;
  constexpr uint64_t kMostHours = 24 * 366 * 100;  // more would not fit into a Duration
  if (field.size() < 2 || field.size() > kMaxDigits + 1) return std::nullopt;
  uint64_t amount = 0;
  const char* const unit = field.data() + field.size() - 1;
  const auto [end, error] = std::from_chars(field.data(), unit, amount);
  if (error != std::errc() || end != unit) return std::nullopt;
  switch (*unit) {
    case 'H': return std::chrono::hours(std::min(amount, kMostHours));
    case 'M': return std::chrono::minutes(amount);
    case 'S': return std::chrono::seconds(amount);
    case 'm': return std::chrono::milliseconds(amount);
    case 'u': return std::chrono::microseconds(amount);
    case 'n': return std::chrono::nanoseconds(amount);
    default: return std::nullopt;
  }
}

std::string PercentEncodeStatus(std::string_view message) {
  std::string out;
  out.reserve(message.size());
  for (const char c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%')
      out += c;
    else
      out += fmt::format("%{:02X}", byte);
  }
  return out;
}

bool IsBinaryField(std::string_view name) { return name.ends_with("-bin"); }

std::string DecodeBinaryField(std::string_view value) {
  const auto bytes = Base64Decode(value.substr(0, value.find(',')));
  if (!bytes) return {};
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

std::string EncodeBinaryField(std::string_view bytes) { return Base64Encode(bytes); }

}  // namespace sarai::net
