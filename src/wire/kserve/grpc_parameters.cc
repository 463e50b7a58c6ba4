#include "wire/kserve/grpc_parameters.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

#include "base/strings.h"
#include "wire/kserve/protobuf_reader.h"

namespace sarai::kserve::grpc {
namespace {

Status MustBe(std::string_view key, std::string_view wanted) {
  return MakeStatus(Code::kInvalidArgument, "parameter '{}' must be {}", key, wanted);
}

Status ReadValue(std::string_view bytes, std::optional<Parameter>& value) {
  return ForEachField(bytes, "a parameter", [&value](const ProtobufField& field) {
    const bool varint = field.wire_type == 0;
    if (field.number == 1 && varint) value = field.value != 0;
    if (field.number == 2 && varint) value = static_cast<int64_t>(field.value);
    if (field.number == 3 && field.wire_type == 2) value = std::string(field.bytes);
    if (field.number == 4 && field.wire_type == 1) value = std::bit_cast<double>(field.value);
    if (field.number == 5 && varint) value = field.value;
    return Status();
  });
}

template <typename... T>
bool Is(const Parameter& value) {
  return (std::holds_alternative<T>(value) || ...);
}

Status ReadSize(const ParameterEntry& entry, uint64_t& size) {
  const auto* const number = std::get_if<int64_t>(&entry.value);
  if (number == nullptr) return WrongKind(entry.key, "int64_param");
  if (*number < 0) return MustBe(entry.key, "0 or more (bytes)");
  size = static_cast<uint64_t>(*number);
  return {};
}

}  // namespace

Status WrongKind(std::string_view key, std::string_view expected) {
  return MakeStatus(Code::kInvalidArgument, "invalid value type for '{}' parameter, expected {}",
                    key, expected);
}

Status CheckRequestParameter(const ParameterEntry& entry) {
  struct Rule {
    std::string_view key, expected;
    bool (*met)(const Parameter& value);
  };
  static constexpr Rule kRules[] = {
      {"sequence_id", "int64_param or string_param", Is<int64_t, std::string>},
      {"sequence_start", "bool_param", Is<bool>},
      {"sequence_end", "bool_param", Is<bool>},
      {"priority", "int64_param or uint64_param", Is<int64_t, uint64_t>},
      {"timeout", "int64_param", Is<int64_t>},
      {"triton_enable_empty_final_response", "bool_param", Is<bool>}};
  const auto* const rule = std::ranges::find(kRules, entry.key, &Rule::key);
  if (rule == std::end(kRules) || rule->met(entry.value)) return {};
  return WrongKind(entry.key, rule->expected);
}

void MakeUnsigned(ParameterEntry& entry) {
  if (entry.key != "sequence_id" && entry.key != "timeout") return;
  if (const auto* const number = std::get_if<int64_t>(&entry.value))
    entry.value = static_cast<uint64_t>(*number);
}

Result<ParameterEntry> ReadParameter(std::string_view bytes) {
  ParameterEntry entry;
  std::optional<Parameter> value;
  SARAI_CHECK_OK(ForEachField(bytes, "a parameter", [&](const ProtobufField& field) {
    if (field.number == 1 && field.wire_type == 2) entry.key = field.bytes;
    if (field.number == 2 && field.wire_type == 2) return ReadValue(field.bytes, value);
    return Status();
  }));
  if (!value) return Error(Code::kInvalidArgument, "parameter '{}' has no value", entry.key);
  entry.value = std::move(*value);
  return entry;
}

Status CheckVersion(std::string_view version) {
  const auto number = ParseInt(version);
  if (version.empty() || (number && *number > 0)) return {};
  return MakeStatus(Code::kInvalidArgument, "version '{}' must be an integer greater than 0",
                    version);
}

Status TensorParameters::Add(ParameterEntry entry, size_t max_parameters, Parameters& kept) {
  if (!entry.key.starts_with("shared_memory_")) {
    if (kept.size() >= max_parameters)
      return MakeStatus(Code::kInvalidArgument, "more than {} parameters", max_parameters);
    kept.insert_or_assign(std::move(entry.key), std::move(entry.value));
    return {};
  }
  any_ = true;
  if (entry.key == "shared_memory_region") {
    auto* const region = std::get_if<std::string>(&entry.value);
    if (region == nullptr) return WrongKind(entry.key, "string_param");
    use_.region = std::move(*region);
    return {};
  }
  if (entry.key == "shared_memory_offset") return ReadSize(entry, use_.offset);
  if (entry.key != "shared_memory_byte_size")
    return MakeStatus(Code::kInvalidArgument, "there is no parameter '{}'", entry.key);
  sized_ = true;
  return ReadSize(entry, use_.byte_size);
}

Result<std::optional<SharedMemoryUse>> TensorParameters::SharedMemory() const {
  if (!any_) return std::nullopt;
  if (use_.region.empty())
    return Error(MustBe("shared_memory_region", "given beside the other shared-memory parameters"));
  if (!sized_)
    return Error(Code::kInvalidArgument,
                 "'shared_memory_byte_size' must be specified along with 'shared_memory_region' "
                 "parameter");
  return use_;
}

}  // namespace sarai::kserve::grpc
