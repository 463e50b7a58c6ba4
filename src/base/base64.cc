#include "base/base64.h"

#include <array>
#include <cstdint>

namespace sarai {
namespace {

constexpr uint8_t kNoDigit = 64, kBlank = 65, kPadding = 66;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

consteval std::array<uint8_t, 256> MakeDigits() {
  std::array<uint8_t, 256> digits{};
  digits.fill(kNoDigit);
  for (size_t i = 0; i < kAlphabet.size(); ++i)
    digits[static_cast<unsigned char>(kAlphabet[i])] = static_cast<uint8_t>(i);
  for (const char blank : {' ', '\t', '\r', '\n'})
    digits[static_cast<unsigned char>(blank)] = kBlank;
  digits['='] = kPadding;
  return digits;
}

constexpr std::array<uint8_t, 256> kDigits = MakeDigits();

}  // namespace

std::optional<std::vector<std::byte>> Base64Decode(std::string_view text) {
  std::vector<std::byte> bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  uint32_t bits = 0;
  size_t digits = 0, padding = 0;
  for (const char c : text) {
    const uint8_t digit = kDigits[static_cast<unsigned char>(c)];
    if (digit == kBlank) continue;
    if (digit == kPadding) {
      if (++padding > 2) return std::nullopt;
      continue;
    }
    if (digit == kNoDigit || padding > 0) return std::nullopt;
    bits = bits << 6 | digit;
    if (++digits % 4 != 0) continue;
    for (const int shift : {16, 8, 0}) bytes.push_back(static_cast<std::byte>(bits >> shift));
    bits = 0;
  }
  const size_t rest = digits % 4;
  if (rest == 1 || (padding > 0 && (digits + padding) % 4 != 0)) return std::nullopt;
  if (rest == 2) bytes.push_back(static_cast<std::byte>(bits >> 4));
  if (rest == 3) {
    bytes.push_back(static_cast<std::byte>(bits >> 10));
    bytes.push_back(static_cast<std::byte>(bits >> 2));
  }
  return bytes;
}

std::string Base64Encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view three = bytes.substr(at, 3);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i)
      bits = bits << 8 | (i < three.size() ? static_cast<unsigned char>(three[i]) : 0u);
    for (size_t i = 0; i < 4; ++i)
      text += i <= three.size() ? kAlphabet[bits >> (18 - 6 * i) & 63] : '=';
  }
  return text;
}

}  // namespace sarai
