// The configuration's JSON form: protobuf's mapping with Triton's snake_case names. Protobuf writes
// 64-bit integers as strings; Triton's clients and backends expect numbers, so they are turned
// back.
#include <charconv>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/util/json_util.h>

#include "model_config.pb.h"
#include "wire/json/json.h"
#include "wire/modelconfig/limits.h"
#include "wire/modelconfig/model_config.h"
#include "wire/modelconfig/nearest.h"

namespace sarai::modelconfig {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

void ToNumbers(json::Value& value, const FieldDescriptor& field);

void MembersToNumbers(json::Object& object, const Descriptor& type) {
  for (auto& member : object) {
    const auto* const field = type.FindFieldByName(std::string(member.key()));
    if (field != nullptr) ToNumbers(member.value(), *field);
  }
}

template <typename T>
void ToNumber(json::Value& value) {
  if (!value.is_string()) return;
  const auto& text = value.get_string();
  T number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  value = number;
}

// A map's keys stay strings; its values are those of the entry's second field.
void MapToNumbers(json::Value& value, const FieldDescriptor& field) {
  for (auto& entry : value.get_object())
    ToNumbers(entry.value(), *field.message_type()->map_value());
}

void ToNumbers(json::Value& value, const FieldDescriptor& field) {
  if (field.is_map()) return MapToNumbers(value, field);
  if (value.is_array()) {
    for (json::Value& element : value.get_array()) ToNumbers(element, field);
    return;
  }
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT64: return ToNumber<int64_t>(value);
    case FieldDescriptor::CPPTYPE_UINT64: return ToNumber<uint64_t>(value);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (value.is_object()) MembersToNumbers(value.get_object(), *field.message_type());
      return;
    default: return;
  }
}

// JSON may spell a field as the proto does or in camel case.
const FieldDescriptor* FindField(const Descriptor& type, std::string_view name) {
  const auto* const field = type.FindFieldByName(std::string(name));
  return field != nullptr ? field : type.FindFieldByCamelcaseName(std::string(name));
}

Status CheckNames(const json::Object& object, const Descriptor& type, const std::string& path);

Status CheckNamesIn(const json::Value& value, const FieldDescriptor& field,
                    const std::string& path) {
  if (value.is_array()) {
    for (size_t i = 0; i < value.get_array().size(); ++i)
      SARAI_CHECK_OK(CheckNamesIn(value.get_array()[i], field, fmt::format("{}[{}]", path, i)));
    return {};
  }
  if (field.message_type() == nullptr || !value.is_object()) return {};
  if (!field.is_map()) return CheckNames(value.get_object(), *field.message_type(), path);
  const FieldDescriptor& entry = *field.message_type()->map_value();
  for (const auto& member : value.get_object())
    SARAI_CHECK_OK(CheckNamesIn(member.value(), entry,
                                fmt::format("{}.{}", path, std::string_view(member.key()))));
  return {};
}

// Before protobuf reads it, whose errors neither name the message nor what it may hold.
Status CheckNames(const json::Object& object, const Descriptor& type, const std::string& path) {
  for (const auto& member : object) {
    const std::string_view name = member.key();
    const FieldDescriptor* const field = FindField(type, name);
    if (field != nullptr) {
      SARAI_CHECK_OK(CheckNamesIn(member.value(), *field,
                                  fmt::format("{}{}{}", path, path.empty() ? "" : ".", name)));
      continue;
    }
    std::vector<std::string> known;
    for (int i = 0; i < type.field_count(); ++i) known.push_back(type.field(i)->name());
    return MakeStatus(Code::kInvalidArgument, "{} has no field '{}'{}",
                      path.empty() ? type.name() : path, name, DidYouMean(name, known));
  }
  return {};
}

}  // namespace

Result<inference::ModelConfig> ParseJson(std::string_view json) {
  if (json.size() > kMaxConfigBytes)
    return Error(Code::kInvalidArgument,
                 "model configuration: {} bytes are more than the {} it may have", json.size(),
                 kMaxConfigBytes);
  // A first look for syntax and depth: its errors name the place, protobuf's do not.
  const auto parsed =
      json::ParseObject(json, {.max_bytes = kMaxConfigBytes, .max_depth = 2 * kMaxConfigDepth});
  if (!parsed) return Error(parsed.error().WithContext("model configuration"));
  if (const Status names = CheckNames(*parsed, *inference::ModelConfig::descriptor(), "");
      !names.ok())
    return Error(names.WithContext("model configuration"));
  google::protobuf::util::JsonParseOptions options;
  options.case_insensitive_enum_parsing = true;  // as Triton reads it
  inference::ModelConfig config;
  const auto status =
      google::protobuf::util::JsonStringToMessage(std::string(json), &config, options);
  if (!status.ok())
    return Error(Code::kInvalidArgument, "model configuration: {}", status.message().ToString());
  return config;
}

std::string ToJson(const inference::ModelConfig& config) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = true;
  std::string text;
  if (!google::protobuf::util::MessageToJsonString(config, &text, options).ok()) return "{}";
  auto object = json::ParseObject(text, {.max_bytes = SIZE_MAX, .max_depth = SIZE_MAX});
  if (!object) return text;
  MembersToNumbers(*object, *inference::ModelConfig::descriptor());
  return json::Serialize(std::move(*object));
}

}  // namespace sarai::modelconfig
