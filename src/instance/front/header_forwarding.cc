#include "instance/front/header_forwarding.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <re2/re2.h>

namespace sarai::instance {
namespace {

// What a parameter of that name would mean is the client's to say.
constexpr std::array<std::string_view, 7> kReserved = {
    "sequence_id", "priority",     "timeout",           "sequence_start",
    "headers",     "sequence_end", "binary_data_output"};

}  // namespace

Result<HeaderForwarding> HeaderForwarding::Make(const std::string& pattern) {
  HeaderForwarding forwarding;
  if (pattern.empty()) return forwarding;
  auto compiled = std::make_shared<re2::RE2>(pattern, re2::RE2::Quiet);
  if (!compiled->ok())
    return Error(Code::kInvalidArgument, "header pattern '{}' is no regular expression: {}",
                 pattern, compiled->error());
  forwarding.pattern_ = std::move(compiled);
  return forwarding;
}

Status HeaderForwarding::Apply(const http::Headers& headers, Parameters& parameters) const {
  if (pattern_ == nullptr) return {};
  for (const auto& [name, value] : headers.fields()) {
    if (!re2::RE2::PartialMatch(name, *pattern_)) continue;
    if (std::ranges::find(kReserved, name) != kReserved.end() || name.starts_with("triton_"))
      return MakeStatus(Code::kInvalidArgument,
                        "header '{}' has a reserved name and cannot be forwarded", name);
    parameters.insert_or_assign(name, value);
  }
  return {};
}

}  // namespace sarai::instance
