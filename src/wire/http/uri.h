// Request targets in origin form (RFC 9112 §3.2.1): path segments and query, percent-decoded.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace sarai::http {

// Which characters PercentEncode leaves as they are, beside RFC 3986's unreserved ones.
enum class KeepSlash { kNo, kYes };

// Upper-case hexadecimal; everything but A-Z a-z 0-9 - . _ ~ is encoded.
std::string PercentEncode(std::string_view text, KeepSlash slash = KeepSlash::kNo);

// Error: a '%' that two hexadecimal digits do not follow.
Result<std::string> PercentDecode(std::string_view text);

struct Target {
  std::string_view raw_path;          // as sent, without the query
  std::string_view raw_query;         // as sent, without the '?'
  std::vector<std::string> segments;  // of the path, decoded; "/a%2Fb/c" -> "a/b", "c"; "/" -> none
  std::vector<std::pair<std::string, std::string>> query;  // decoded; '+' is a space

  // The first value of that name, or nothing (a null view).
  std::string_view Query(std::string_view name) const;
};

struct TargetLimits {
  size_t max_segments = 64;
  size_t max_query_parameters = 256;
};

// The views of the result point into `target`. A slash at the end adds an empty segment.
// Errors: no leading slash, broken percent-encoding, more parts than `limits`.
Result<Target> ParseTarget(std::string_view target, const TargetLimits& limits = {});

}  // namespace sarai::http
