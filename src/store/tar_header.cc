#include "store/tar_header.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "base/hex.h"

namespace sarai::store {
namespace {

constexpr size_t kChecksumOffset = 148, kChecksumBytes = 8;
constexpr size_t kShownBytes = 8;

using Bytes = std::span<const std::byte>;

std::optional<int> ParseOctal(Bytes field) {
  int value = 0;
  bool seen = false;
  for (const std::byte b : field) {
    const char c = static_cast<char>(b);
    if (c >= '0' && c <= '7') {
      value = value * 8 + (c - '0');
      seen = true;
    } else if (seen) {
      break;
    } else if (c != ' ') {
      return std::nullopt;
    }
  }
  return seen ? std::optional(value) : std::nullopt;
}

std::string_view Guess(Bytes head) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kKnown{{
      {"PK\x03\x04", "a zip archive"},
      {"\xfd"
       "7zXZ",
       "an xz stream"},
      {"BZh", "a bzip2 stream"},
      {"\x1f\x8b", "gzip in gzip"},
      {"\x08", "perhaps a bare ONNX model"},
      {"<", "perhaps an error page"},
  }};
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  for (const auto& [magic, name] : kKnown) {
    if (text.starts_with(magic)) return name;
  }
  return "something else";
}

Status NotTar(Bytes head) {
  if (head.empty()) return {Code::kDataLoss, "it is no archive: there is not one byte in it"};
  return MakeStatus(Code::kDataLoss,
                    "it is no .tar, .tar.gz or .tar.zst archive but {} (its first bytes are {})",
                    Guess(head), HexEncode(head.first(std::min(kShownBytes, head.size()))));
}

}  // namespace

bool IsTarHeader(std::span<const std::byte> block) {
  if (block.size() < kTarBlockBytes) return false;
  block = block.first(kTarBlockBytes);
  if (std::ranges::all_of(block, [](std::byte b) { return b == std::byte{0}; })) return true;
  const auto stated = ParseOctal(block.subspan(kChecksumOffset, kChecksumBytes));
  if (!stated) return false;
  int sum = 0, signed_sum = 0;  // old tars added signed bytes
  for (size_t i = 0; i < block.size(); ++i) {
    const bool in_checksum = i >= kChecksumOffset && i < kChecksumOffset + kChecksumBytes;
    sum += in_checksum ? ' ' : static_cast<uint8_t>(block[i]);
    signed_sum += in_checksum ? ' ' : static_cast<int8_t>(block[i]);
  }
  return *stated == sum || *stated == signed_sum;
}

Status TarGate::Feed(std::span<const std::byte> bytes) {
  if (open_) return tar_(bytes);
  head_.insert(head_.end(), bytes.begin(), bytes.end());
  if (head_.size() < kTarBlockBytes) return {};
  if (!IsTarHeader(head_)) return NotTar(head_);
  open_ = true;
  return tar_(std::exchange(head_, {}));
}

Status TarGate::Finish() { return open_ ? Status() : NotTar(head_); }

}  // namespace sarai::store
