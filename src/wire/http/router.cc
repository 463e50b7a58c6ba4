#include "wire/http/router.h"

#include "base/strings.h"

namespace sarai::http {
namespace {

bool IsCapture(std::string_view part) { return part.starts_with('{') && part.ends_with('}'); }

}  // namespace

std::string_view Captures::Get(std::string_view name) const {
  for (const auto& [key, value] : values)
    if (key == name) return value;
  return {};
}

std::vector<std::string> ParsePattern(std::string_view pattern) {
  std::vector<std::string> parts;
  if (pattern == "/") return parts;
  for (const std::string_view part : Split(pattern.substr(1), '/')) parts.emplace_back(part);
  return parts;
}

std::optional<Captures> MatchPattern(std::span<const std::string> pattern,
                                     std::span<const std::string> segments) {
  if (pattern.size() != segments.size()) return std::nullopt;
  Captures captures;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const std::string_view part = pattern[i];
    if (!IsCapture(part)) {
      if (part != segments[i]) return std::nullopt;
      continue;
    }
    if (segments[i].empty()) return std::nullopt;
    captures.values.emplace_back(part.substr(1, part.size() - 2), segments[i]);
  }
  return captures;
}

}  // namespace sarai::http
