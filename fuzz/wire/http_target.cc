// A request target, and the route it takes.
#include "fuzz/fuzz.h"
#include "wire/http/router.h"
#include "wire/http/uri.h"

namespace sarai::fuzz {
namespace {

constexpr http::TargetLimits kLimits = {.max_segments = 16, .max_query_parameters = 8};

const http::Router<int>& Routes() {
  static const auto router = [] {
    http::Router<int> routes;
    routes.Add("GET", "/v2/models/stats", 1);
    routes.Add("GET", "/v2/models/{model}", 2);
    routes.Add("POST", "/v2/models/{model}/versions/{version}/infer", 3);
    routes.Add("GET", "/", 4);
    return routes;
  }();
  return router;
}

// Encoded anew, the parts make the same target.
void ExpectSameAgain(const http::Target& target) {
  std::string text;
  for (const std::string& segment : target.segments) text += "/" + http::PercentEncode(segment);
  if (text.empty()) text = "/";
  if (text == "/" && !target.segments.empty()) return;  // one empty segment: no target says that
  std::string query;
  for (const auto& [name, value] : target.query)
    query +=
        (query.empty() ? "" : "&") + http::PercentEncode(name) + "=" + http::PercentEncode(value);
  const auto again = http::ParseTarget(text + "?" + query, kLimits);
  FUZZ_EXPECT(again.has_value(), "{}: {}", text, again.error().message());
  FUZZ_EXPECT(again->segments == target.segments, "{}", text);
  FUZZ_EXPECT(again->query == target.query, "{}", query);
}

void Run(Input input) {
  const std::string_view text = input.rest();
  const auto decoded = http::PercentDecode(text);
  if (ExpectAnswer(decoded)) FUZZ_EXPECT(decoded->size() <= text.size());
  const auto back = http::PercentDecode(http::PercentEncode(text));
  FUZZ_EXPECT(back.has_value() && *back == text);
  const auto target = http::ParseTarget(text, kLimits);
  if (!ExpectAnswer(target)) return;
  FUZZ_EXPECT(LiesWithin(target->raw_path, text) && LiesWithin(target->raw_query, text));
  FUZZ_EXPECT(target->segments.size() <= kLimits.max_segments);
  FUZZ_EXPECT(target->query.size() <= kLimits.max_query_parameters);
  ExpectSameAgain(*target);
  for (const char* const method : {"GET", "POST"}) {
    const auto match = Routes().Find(method, target->segments);
    FUZZ_EXPECT(match.value == nullptr || match.allowed.empty());
    for (const auto& [name, value] : match.captures.values) FUZZ_EXPECT(!value.empty());
  }
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
