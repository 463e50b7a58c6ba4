#include "wire/kserve/json_elements.h"

#include <cstring>

#include "wire/json/text.h"

namespace sarai::kserve {
namespace {

// Numbers are formatted into a block on the stack and appended block by block: growing the text for
// each would cost more than the digits.
class NumberBlock {
 public:
  explicit NumberBlock(std::string& out) : out_(out) {}
  ~NumberBlock() { Flush(); }

  template <typename T>
  void Add(T value) {
    if (end_ + json::kNumberBytes + 1 > block_ + sizeof(block_)) Flush();
    end_ = json::WriteNumber(end_, value);
    *end_++ = ',';
  }

 private:
  void Flush() {
    out_.append(block_, end_);
    end_ = block_;
  }

  std::string& out_;
  char block_[4096];
  char* end_ = block_;
};

template <typename T>
Status AppendNumbers(std::string& out, std::span<const std::byte> bytes) {
  const size_t count = bytes.size() / sizeof(T);
  NumberBlock block(out);
  for (size_t i = 0; i < count; ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    block.Add(value);
  }
  return {};
}

Status AppendBools(std::string& out, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) out += byte == std::byte{0} ? "false," : "true,";
  return {};
}

Status AppendStrings(std::string& out, const Tensor& tensor, OddText odd_text) {
  const auto elements = BytesElements(tensor.data.bytes());
  if (!elements) return elements.error();
  for (size_t i = 0; i < elements->size(); ++i) {
    const std::string_view element = (*elements)[i];
    const bool odd = !json::IsValidUtf8(element);
    if (odd && odd_text == OddText::kRefuse)
      return MakeStatus(
          Code::kInvalidArgument,
          "element {} is not valid UTF-8, which JSON cannot carry: ask for the output "
          "with binary_data true",
          i);
    if (odd)
      json::AppendString(out, json::ToValidUtf8(element));
    else
      json::AppendString(out, element);
    out += ',';
  }
  return {};
}

Status AppendList(std::string& out, const Tensor& tensor, OddText odd_text) {
  const auto bytes = tensor.data.bytes();
  switch (tensor.type) {
    case DataType::kBool: return AppendBools(out, bytes);
    case DataType::kUint8: return AppendNumbers<uint8_t>(out, bytes);
    case DataType::kUint16: return AppendNumbers<uint16_t>(out, bytes);
    case DataType::kUint32: return AppendNumbers<uint32_t>(out, bytes);
    case DataType::kUint64: return AppendNumbers<uint64_t>(out, bytes);
    case DataType::kInt8: return AppendNumbers<int8_t>(out, bytes);
    case DataType::kInt16: return AppendNumbers<int16_t>(out, bytes);
    case DataType::kInt32: return AppendNumbers<int32_t>(out, bytes);
    case DataType::kInt64: return AppendNumbers<int64_t>(out, bytes);
    case DataType::kFp32: return AppendNumbers<float>(out, bytes);
    case DataType::kFp64: return AppendNumbers<double>(out, bytes);
    case DataType::kBytes: return AppendStrings(out, tensor, odd_text);
    case DataType::kFp16:
    case DataType::kBf16:
      return MakeStatus(Code::kInvalidArgument,
                        "{} cannot travel as JSON: ask for the output with binary_data true",
                        DataTypeName(tensor.type));
    case DataType::kInvalid: break;
  }
  return MakeStatus(Code::kInternal, "it has no data type");
}

}  // namespace

Status AppendJsonElements(std::string& out, const Tensor& tensor, OddText odd_text) {
  SARAI_CHECK_OK(AppendList(out, tensor, odd_text));
  if (out.back() == ',') out.pop_back();
  return {};
}

void AppendJsonParameter(std::string& out, const Parameter& parameter) {
  std::visit(
      [&out](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, bool>)
          return json::AppendBool(out, value);
        else if constexpr (std::is_same_v<T, std::string>)
          return json::AppendString(out, json::ToValidUtf8(value));
        else
          return json::AppendNumber(out, value);
      },
      parameter);
}

}  // namespace sarai::kserve
