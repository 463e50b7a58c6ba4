#include "wire/kserve/routing_fields.h"

#include <variant>

#include "types/inference.h"
#include "wire/json/json.h"
#include "wire/kserve/grpc_parameters.h"
#include "wire/kserve/protobuf_reader.h"
#include "wire/kserve/protobuf_writer.h"

namespace sarai::kserve {
namespace {

constexpr std::string_view kSequenceId = "sequence_id";
constexpr std::string_view kSequenceEnd = "sequence_end";
constexpr size_t kMaxSequenceJsonBytes = 64u << 20;

// Nothing for the ids that mean none, and for what is no id.
std::string IdOf(const json::Value* value) {
  if (value == nullptr) return "";
  if (value->is_string()) return std::string(value->get_string());
  if (!value->is_int64() && !value->is_uint64()) return "";
  const std::string digits = json::Serialize(*value);
  return digits == "0" ? "" : digits;
}

}  // namespace

SequenceUse SequenceOf(std::string_view json) {
  if (json.find(kSequenceId) == std::string_view::npos) return {};
  const auto request = json::ParseObject(json, {.max_bytes = kMaxSequenceJsonBytes});
  if (!request) return {};
  const json::Value* const parameters = request->if_contains("parameters");
  const json::Object* const object = parameters == nullptr ? nullptr : parameters->if_object();
  if (object == nullptr) return {};
  const json::Value* const end = object->if_contains(kSequenceEnd);
  return {.id = IdOf(object->if_contains(kSequenceId)),
          .ends = end != nullptr && end->is_bool() && end->get_bool()};
}

namespace grpc {
namespace {

std::string IdOf(const Parameter& value) {
  if (const auto* const text = std::get_if<std::string>(&value)) return *text;
  if (const auto* const number = std::get_if<int64_t>(&value); number != nullptr && *number != 0)
    return fmt::to_string(static_cast<uint64_t>(*number));
  if (const auto* const number = std::get_if<uint64_t>(&value); number != nullptr && *number != 0)
    return fmt::to_string(*number);
  return "";
}

void NoteParameter(std::string_view bytes, SequenceUse& sequence) {
  if (bytes.find("sequence_") == std::string_view::npos) return;
  const auto parameter = ReadParameter(bytes);
  if (!parameter) return;
  if (parameter->key == kSequenceId) sequence.id = IdOf(parameter->value);
  if (parameter->key != kSequenceEnd) return;
  const auto* const end = std::get_if<bool>(&parameter->value);
  sequence.ends = end != nullptr && *end;
}

}  // namespace

Result<RoutingFields> ReadRoutingFields(const Blob& message) {
  RoutingFields fields;
  SARAI_CHECK_OK(ForEachField(message.text(), "the request", [&fields](const ProtobufField& field) {
    if (field.wire_type != 2) return Status();
    if (field.number == 1) fields.model = field.bytes;
    if (field.number == 3) fields.request_id = field.bytes;
    if (field.number == 4) NoteParameter(field.bytes, fields.sequence);
    return Status();
  }));
  return fields;
}

Result<std::string> ReadTextField(const Blob& message, uint32_t number) {
  std::string text;
  SARAI_CHECK_OK(
      ForEachField(message.text(), "the request", [&text, number](const ProtobufField& field) {
        if (field.number == number && field.wire_type == 2) text = field.bytes;
        return Status();
      }));
  return text;
}

bool IsFinalInStream(const Blob& message) {
  bool final = true;
  const auto look = [&final](const ProtobufField& field) {
    if (field.number != 4 || field.wire_type != 2) return Status();
    const auto parameter = ReadParameter(field.bytes);
    if (!parameter || parameter->key != kFinalResponse) return Status();
    if (const auto* const last = std::get_if<bool>(&parameter->value)) final = *last;
    return Status();
  };
  ProtobufReader reader(message.text());
  while (const auto field = reader.Next())
    if (field->number == 2 && field->wire_type == 2)
      (void)ForEachField(field->bytes, "a response", look);
  return final;
}

}  // namespace grpc
}  // namespace sarai::kserve
