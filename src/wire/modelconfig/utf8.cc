#include "wire/modelconfig/utf8.h"

#include <vector>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "wire/json/text.h"

namespace sarai::modelconfig {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

Status CheckString(const FieldDescriptor& field, const std::string& text) {
  if (json::IsValidUtf8(text)) return {};
  return MakeStatus(Code::kInvalidArgument, "field '{}' is not valid UTF-8",
                    field.containing_type()->name() + "." + field.name());
}

// One value of a field: the i-th of a repeated one, the only one where i is -1.
Status CheckValue(const Message& message, const FieldDescriptor& field, int i) {
  const auto* const reflection = message.GetReflection();
  std::string scratch;
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING)
    return CheckString(
        field, i < 0 ? reflection->GetStringReference(message, &field, &scratch)
                     : reflection->GetRepeatedStringReference(message, &field, i, &scratch));
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE)
    return CheckUtf8(i < 0 ? reflection->GetMessage(message, &field)
                           : reflection->GetRepeatedMessage(message, &field, i));
  return {};
}

}  // namespace

Status CheckUtf8(const Message& message) {
  std::vector<const FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const FieldDescriptor* const field : fields) {
    const int size = field->is_repeated() ? message.GetReflection()->FieldSize(message, field) : 0;
    if (!field->is_repeated()) SARAI_CHECK_OK(CheckValue(message, *field, -1));
    for (int i = 0; i < size; ++i) SARAI_CHECK_OK(CheckValue(message, *field, i));
  }
  return {};
}

}  // namespace sarai::modelconfig
