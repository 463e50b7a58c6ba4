#include "telemetry/trace_context.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "base/strings.h"

namespace sarai::telemetry {
namespace {

bool IsLowerHex(std::string_view text, size_t size) {
  return text.size() == size &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsId(std::string_view text, size_t size) {
  return IsLowerHex(text, size) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::optional<TraceContext> ParseTraceParent(std::string_view header) {
  const auto parts = Split(Trim(header), '-');
  const bool first_version = !parts.empty() && parts[0] == "00";
  // Later versions may have more parts.
  if (parts.size() < 4 || (first_version && parts.size() != 4)) return std::nullopt;
  if (!IsLowerHex(parts[0], 2) || parts[0] == "ff" || !IsId(parts[1], 32) || !IsId(parts[2], 16) ||
      !IsLowerHex(parts[3], 2))
    return std::nullopt;
  return TraceContext{.trace_id = std::string(parts[1]), .span_id = std::string(parts[2])};
}

TraceIds::TraceIds() {
  std::random_device device;
  std::array<uint32_t, 8> words;
  std::ranges::generate(words, std::ref(device));
  std::seed_seq seed(words.begin(), words.end());
  random_.seed(seed);
}

std::string TraceIds::NewTraceId() { return NewSpanId() + NewSpanId(); }

std::string TraceIds::NewSpanId() {
  std::lock_guard lock(mu_);
  uint64_t id = 0;
  while (id == 0) id = random_();
  return fmt::format("{:016x}", id);
}

}  // namespace sarai::telemetry
