// Writing JSON by hand, fast: strings and numbers appended to a text that grows.
#pragma once

#include <concepts>
#include <string>
#include <string_view>

namespace sarai::json {

bool IsValidUtf8(std::string_view text);

// Appends `text` quoted and escaped. Precondition: valid UTF-8; see ToValidUtf8.
void AppendString(std::string& out, std::string_view text);

// The text itself, or with U+FFFD for each byte that is no part of valid UTF-8.
std::string ToValidUtf8(std::string_view text);

template <typename T>
concept Number = (std::integral<T> && !std::same_as<T, bool>) || std::floating_point<T>;

// Room that any number's text fits into.
inline constexpr size_t kNumberBytes = 32;

// Writes a number's text at `out`, which has kNumberBytes of room; returns its end. Floating point:
// the shortest decimal form that reads back as the same value; a whole number ends in ".0". What
// JSON has no number for is written as JavaScript and Python spell it: NaN, Infinity, -Infinity.
template <Number T>
char* WriteNumber(char* out, T value);

template <Number T>
void AppendNumber(std::string& out, T value) {
  char text[kNumberBytes];
  out.append(text, WriteNumber(text, value));
}

void AppendBool(std::string& out, bool value);

}  // namespace sarai::json
