// config.pbtxt -> message, with errors that name the place.
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/text_format.h>

#include "model_config.pb.h"
#include "wire/modelconfig/limits.h"
#include "wire/modelconfig/model_config.h"
#include "wire/modelconfig/utf8.h"

namespace sarai::modelconfig {
namespace {

// The library's own words for a wrong name are long and name C++ types; ours name the field.
//   Message type "inference.ModelConfig" has no field named "max_batch".
//   -> ModelConfig has no field 'max_batch'
std::string Reword(const std::string& message) {
  constexpr std::string_view kType = "Message type \"inference.";
  constexpr std::string_view kField = "\" has no field named \"";
  const size_t field = message.find(kField);
  if (!message.starts_with(kType) || field == std::string::npos) return message;
  const std::string_view view(message);
  const std::string_view type = view.substr(kType.size(), field - kType.size());
  std::string_view name = view.substr(field + kField.size());
  name = name.substr(0, name.find('"'));
  return fmt::format("{} has no field '{}'", type, name);
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

}  // namespace sarai::modelconfig
