#include "wire/kserve/request_parameters.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sarai::kserve {
namespace {

// Longer waits mean "for ever" and must not overflow when added to a time.
constexpr uint64_t kMaxTimeoutUs = 365ull * 24 * 3600 * 1'000'000;

Status MustBe(std::string_view key, std::string_view wanted) {
  return MakeStatus(Code::kInvalidArgument, "parameter '{}' must be {}", key, wanted);
}

std::optional<uint64_t> Unsigned(const Parameter& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return *number;
  if (const auto* number = std::get_if<int64_t>(&value); number != nullptr && *number >= 0)
    return static_cast<uint64_t>(*number);
  return std::nullopt;
}

Status SetFlag(std::string_view key, const Parameter& value, bool& flag) {
  const auto* given = std::get_if<bool>(&value);
  if (given == nullptr) return MustBe(key, "true or false");
  flag = *given;
  return {};
}

Status SetSequence(std::string_view key, Parameter value, InferRequest& request) {
  if (auto* text = std::get_if<std::string>(&value)) {
    request.sequence = std::move(*text);
    return {};
  }
  const auto number = Unsigned(value);
  if (!number) return MustBe(key, "an integer of 0 or more, or a string");
  request.sequence = *number;
  return {};
}

Status Keep(std::string_view key, Parameter value, size_t max_parameters, Parameters& parameters) {
  if (parameters.size() >= max_parameters)
    return MakeStatus(Code::kInvalidArgument, "more than {} parameters", max_parameters);
  if (parameters.emplace(key, std::move(value)).second) return {};
  return MakeStatus(Code::kInvalidArgument, "parameter '{}' is given twice", key);
}

}  // namespace

Status SetRequestParameter(std::string_view key, Parameter value, size_t max_parameters,
                           InferRequest& request) {
  if (key.starts_with("triton_"))
    return MakeStatus(Code::kInvalidArgument, "parameter '{}' is a reserved name", key);
  if (key == "sequence_start") return SetFlag(key, value, request.sequence_start);
  if (key == "sequence_end") return SetFlag(key, value, request.sequence_end);
  if (key == "sequence_id") return SetSequence(key, std::move(value), request);
  if (key != "priority" && key != "timeout")
    return Keep(key, std::move(value), max_parameters, request.parameters);
  const auto number = Unsigned(value);
  if (!number)
    return MustBe(key, key == "timeout" ? "an integer of 0 or more (microseconds)"
                                        : "an integer of 0 or more");
  if (key == "priority") {
    request.priority = *number;
  } else {
    request.timeout = std::chrono::microseconds(std::min(*number, kMaxTimeoutUs));
  }
  return {};
}

}  // namespace sarai::kserve
