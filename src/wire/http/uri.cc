#include "wire/http/uri.h"

#include <algorithm>

#include "base/strings.h"

namespace sarai::http {
namespace {

constexpr bool IsUnreserved(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

constexpr int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

// In a query, as HTML forms write it, a '+' stands for a space.
Result<std::string> DecodeQueryPart(std::string_view text) {
  std::string spaced(text);
  for (char& c : spaced)
    if (c == '+') c = ' ';
  return PercentDecode(spaced);
}

Status ParsePath(std::string_view path, const TargetLimits& limits, Target& target) {
  if (!path.starts_with('/'))
    return MakeStatus(Code::kInvalidArgument, "request target '{}' does not begin with '/'", path);
  if (path == "/") return {};
  const auto parts = Split(path.substr(1), '/');
  if (parts.size() > limits.max_segments)
    return MakeStatus(Code::kInvalidArgument, "request path has {} segments, more than {}",
                      parts.size(), limits.max_segments);
  for (const std::string_view part : parts) {
    auto segment = PercentDecode(part);
    if (!segment) return std::move(segment).error().WithContext("request path");
    target.segments.push_back(std::move(*segment));
  }
  return {};
}

Status ParseQuery(std::string_view query, const TargetLimits& limits, Target& target) {
  if (query.empty()) return {};
  const auto parts = Split(query, '&');
  if (parts.size() > limits.max_query_parameters)
    return MakeStatus(Code::kInvalidArgument, "request query has {} parameters, more than {}",
                      parts.size(), limits.max_query_parameters);
  for (const std::string_view part : parts) {
    if (part.empty()) continue;
    const size_t equals = std::min(part.find('='), part.size());
    auto name = DecodeQueryPart(part.substr(0, equals));
    if (!name) return std::move(name).error().WithContext("request query");
    auto value = DecodeQueryPart(part.substr(std::min(equals + 1, part.size())));
    if (!value) return std::move(value).error().WithContext("request query");
    target.query.emplace_back(std::move(*name), std::move(*value));
  }
  return {};
}

}  // namespace

std::string PercentEncode(std::string_view text, KeepSlash slash) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    if (IsUnreserved(c) || (c == '/' && slash == KeepSlash::kYes)) {
      encoded += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return encoded;
}

Result<std::string> PercentDecode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0)
      return Error(Code::kInvalidArgument, "'%' at offset {} is not followed by two hex digits", i);
    decoded += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return decoded;
}

std::string_view Target::Query(std::string_view name) const {
  for (const auto& [key, value] : query)
    if (key == name) return value;
  return {};
}

Result<Target> ParseTarget(std::string_view target, const TargetLimits& limits) {
  Target parsed;
  target = target.substr(0, target.find('#'));
  const size_t question = std::min(target.find('?'), target.size());
  parsed.raw_path = target.substr(0, question);
  parsed.raw_query = target.substr(std::min(question + 1, target.size()));
  SARAI_CHECK_OK(ParsePath(parsed.raw_path, limits, parsed));
  SARAI_CHECK_OK(ParseQuery(parsed.raw_query, limits, parsed));
  return parsed;
}

}  // namespace sarai::http
