#include "wire/json/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <type_traits>

namespace sarai::json {
namespace {

constexpr bool IsContinuation(unsigned char byte) { return (byte & 0xC0) == 0x80; }

// Bytes of the well-formed UTF-8 sequence that `text` begins with (Unicode 15, table 3-7); 0 when
// there is none. Surrogates, overlong forms and values past U+10FFFF are not well-formed.
size_t SequenceLength(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : static_cast<unsigned char>(0);
  };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return IsContinuation(byte(1)) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const unsigned char low = lead == 0xE0 ? 0xA0 : 0x80;
    const unsigned char high = lead == 0xED ? 0x9F : 0xBF;
    return byte(1) >= low && byte(1) <= high && IsContinuation(byte(2)) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const unsigned char low = lead == 0xF0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xF4 ? 0x8F : 0xBF;
    const bool tail = IsContinuation(byte(2)) && IsContinuation(byte(3));
    return byte(1) >= low && byte(1) <= high && tail ? 4 : 0;
  }
  return 0;
}

// Offset of the first byte that is no part of a well-formed sequence; size() when there is none.
size_t FirstInvalid(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const size_t length = SequenceLength(text.substr(at, 4));
    if (length == 0) return at;
    at += length;
  }
  return at;
}

constexpr bool NeedsEscape(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

void AppendEscape(std::string& out, char c) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto byte = static_cast<unsigned char>(c);
  out += "\\u00";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

char* Write(char* out, std::string_view text) { return std::copy(text.begin(), text.end(), out); }

bool Contains(const char* begin, const char* end, char c) {
  return std::find(begin, end, c) != end;
}

// A time in seconds reads 1700000000.0, not 1.7e+09; far from one, exponents are the shorter text.
template <typename T>
char* WriteFloating(char* out, T value) {
  if (!std::isfinite(value))
    return Write(out, std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity");
  char* end = std::to_chars(out, out + kNumberBytes, value).ptr;
  if (Contains(out, end, 'e')) {
    const T size = std::abs(value);
    if (size < T(1e-5) || size >= T(1e16)) return end;
    end = std::to_chars(out, out + kNumberBytes, value, std::chars_format::fixed).ptr;
  }
  return Contains(out, end, '.') ? end : Write(end, ".0");
}

}  // namespace

bool IsValidUtf8(std::string_view text) { return FirstInvalid(text) == text.size(); }

std::string ToValidUtf8(std::string_view text) {
  std::string valid;
  while (true) {
    const size_t bad = FirstInvalid(text);
    valid += text.substr(0, bad);
    if (bad == text.size()) return valid;
    valid += "\xEF\xBF\xBD";
    text.remove_prefix(bad + 1);
  }
}

void AppendString(std::string& out, std::string_view text) {
  out += '"';
  size_t plain = 0;  // begin of the run that needs no escape
  for (size_t i = 0; i < text.size(); ++i) {
    if (!NeedsEscape(text[i])) continue;
    out += text.substr(plain, i - plain);
    AppendEscape(out, text[i]);
    plain = i + 1;
  }
  out += text.substr(plain);
  out += '"';
}

template <Number T>
char* WriteNumber(char* out, T value) {
  if constexpr (std::is_floating_point_v<T>)
    return WriteFloating(out, value);
  else
    return std::to_chars(out, out + kNumberBytes, value).ptr;
}

template char* WriteNumber(char*, float);
template char* WriteNumber(char*, double);
template char* WriteNumber(char*, signed char);
template char* WriteNumber(char*, unsigned char);
template char* WriteNumber(char*, short);
template char* WriteNumber(char*, unsigned short);
template char* WriteNumber(char*, int);
template char* WriteNumber(char*, unsigned);
template char* WriteNumber(char*, long);
template char* WriteNumber(char*, unsigned long);
template char* WriteNumber(char*, long long);
template char* WriteNumber(char*, unsigned long long);

void AppendBool(std::string& out, bool value) { out += value ? "true" : "false"; }

}  // namespace sarai::json
