// What a server is told on its command line: a pattern of headers in the first line, a rule of
// restricted parts in the second, then the headers of a request.
#include "fuzz/fuzz.h"
#include "instance/front/header_forwarding.h"
#include "wire/kserve/restricted_apis.h"

namespace sarai::fuzz {
namespace {

void Rules(std::string_view rule) {
  const auto rules = kserve::RestrictedApis::Parse({std::string(rule)});
  if (!ExpectAnswer(rules)) return;
  int restricted = 0;
  for (int i = 0; i <= static_cast<int>(kserve::ApiCategory::kLogging); ++i) {
    const auto* const secret = rules->Of(static_cast<kserve::ApiCategory>(i));
    if (secret == nullptr) continue;
    ++restricted;
    FUZZ_EXPECT(!secret->key.empty());
  }
  FUZZ_EXPECT(restricted > 0, "'{}' restricts nothing", rule);
  // A second rule about the same part is a contradiction.
  FUZZ_EXPECT(!kserve::RestrictedApis::Parse({std::string(rule), std::string(rule)}).has_value());
}

void Run(Input input) {
  const std::string pattern(input.Line());
  Rules(input.Line());
  const auto forwarding = instance::HeaderForwarding::Make(pattern);
  if (!ExpectAnswer(forwarding)) return;
  http::Headers headers;
  for (int i = 0; i < 8 && !input.rest().empty(); ++i) {
    const std::string_view line = input.Line();
    const size_t colon = std::min(line.find(':'), line.size());
    headers.Add(std::string(line.substr(0, colon)),
                std::string(line.substr(std::min(colon + 1, line.size()))));
  }
  Parameters parameters;
  if (ExpectAnswer(forwarding->Apply(headers, parameters)))
    FUZZ_EXPECT(parameters.size() <= headers.fields().size());
}

}  // namespace
}  // namespace sarai::fuzz

FUZZ_TARGET(sarai::fuzz::Run)
