// config.pbtxt -> message, with errors that name the place.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "model_config.pb.h"
#include "wire/modelconfig/limits.h"
#include "wire/modelconfig/model_config.h"
#include "wire/modelconfig/nearest.h"
#include "wire/modelconfig/utf8.h"

namespace sarai::modelconfig {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

// The part of `text` between the two, where it has both.
std::string Between(const std::string& text, std::string_view before, std::string_view after) {
  const size_t begin = text.find(before);
  if (begin == std::string::npos) return "";
  const size_t end = text.find(after, begin + before.size());
  if (end == std::string::npos) return "";
  return text.substr(begin + before.size(), end - begin - before.size());
}

std::vector<std::string> FieldsOf(const std::string& type) {
  const auto* const pool = inference::ModelConfig::descriptor()->file()->pool();
  const Descriptor* const found = pool->FindMessageTypeByName("inference." + type);
  std::vector<std::string> names;
  for (int i = 0; found != nullptr && i < found->field_count(); ++i)
    names.push_back(found->field(i)->name());
  return names;
}

void AddValues(const Descriptor& type, const std::string& field, std::vector<std::string>& values) {
  const FieldDescriptor* const found = type.FindFieldByName(field);
  if (found != nullptr && found->enum_type() != nullptr)
    for (int i = 0; i < found->enum_type()->value_count(); ++i)
      values.push_back(found->enum_type()->value(i)->name());
  for (int i = 0; i < type.nested_type_count(); ++i) AddValues(*type.nested_type(i), field, values);
}

// Of all enumerations that a field of that name has: messages do not say whose it is.
std::vector<std::string> ValuesOf(const std::string& field) {
  const auto* const file = inference::ModelConfig::descriptor()->file();
  std::vector<std::string> values;
  for (int i = 0; i < file->message_type_count(); ++i)
    AddValues(*file->message_type(i), field, values);
  return values;
}

// The library's own words for a wrong name are long and name C++ types; ours name the field.
//   Message type "inference.ModelConfig" has no field named "max_batch".
//   -> ModelConfig has no field 'max_batch'; did you mean 'max_batch_size'?
std::string Reword(const std::string& message) {
  const std::string type = Between(message, "Message type \"inference.", "\"");
  const std::string name = Between(message, "has no field named \"", "\"");
  if (!type.empty() && !name.empty())
    return fmt::format("{} has no field '{}'{}", type, name, DidYouMean(name, FieldsOf(type)));
  const std::string value = Between(message, "Unknown enumeration value of \"", "\"");
  const std::string field = Between(message, "for field \"", "\"");
  if (!value.empty() && !field.empty())
    return fmt::format("field '{}' cannot be {}{}", field, value,
                       DidYouMean(value, ValuesOf(field)));
  return message;
}

// Keeps the first error: later ones are mostly its consequences.
class FirstError final : public google::protobuf::io::ErrorCollector {
 public:
  explicit FirstError(std::string_view file_name) : file_name_(file_name) {}

  // Lines and columns count from 0, as the tokenizer does; -1 where there is no place.
  void AddError(int line, int column, const std::string& message) override {
    if (!text_.empty()) return;
    text_ = fmt::format("{}:{}:{}: {}", file_name_, line + 1, column + 1, Reword(message));
  }
  void AddWarning(int, int, const std::string&) override {}

  const std::string& text() const { return text_; }

 private:
  const std::string_view file_name_;
  std::string text_;
};

}  // namespace

Result<inference::ModelConfig> ParseText(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxConfigBytes)
    return Error(Code::kInvalidArgument,
                 "{}: {} bytes are more than the {} a configuration may have", file_name,
                 text.size(), kMaxConfigBytes);
  FirstError errors(file_name);
  google::protobuf::TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.SetRecursionLimit(kMaxConfigDepth);
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  inference::ModelConfig config;
  if (!parser.Parse(&input, &config)) {
    const bool silent = errors.text().empty();
    return Error(Code::kInvalidArgument, "{}",
                 silent ? fmt::format("{}: no protobuf text", file_name) : errors.text());
  }
  if (const Status status = CheckUtf8(config); !status.ok())
    return Error(status.WithContext(file_name));
  return config;
}

std::string ToText(const inference::ModelConfig& config) {
  std::string text;
  google::protobuf::TextFormat::Printer printer;
  printer.SetUseUtf8StringEscaping(true);
  printer.PrintToString(config, &text);
  return text;
}

}  // namespace sarai::modelconfig
