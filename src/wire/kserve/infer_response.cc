// InferResponse -> JSON and, behind it, the binary tensors.
#include <algorithm>
#include <cstring>

#include "wire/json/text.h"
#include "wire/kserve/classification.h"
#include "wire/kserve/kserve.h"

namespace sarai::kserve {
namespace {

// ---- tensors as JSON numbers and strings

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

// The last comma becomes the closing bracket.
void CloseList(std::string& out) {
  if (out.back() == ',') out.pop_back();
  out += ']';
}

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

Status AppendStrings(std::string& out, const Tensor& tensor) {
  const auto elements = BytesElements(tensor.data.bytes());
  if (!elements) return elements.error();
  for (size_t i = 0; i < elements->size(); ++i) {
    const std::string_view element = (*elements)[i];
    if (!json::IsValidUtf8(element))
      return MakeStatus(
          Code::kInvalidArgument,
          "element {} is not valid UTF-8, which JSON cannot carry: ask for the output "
          "with binary_data true",
          i);
    json::AppendString(out, element);
    out += ',';
  }
  return {};
}

Status AppendElements(std::string& out, const Tensor& tensor) {
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
    case DataType::kBytes: return AppendStrings(out, tensor);
    case DataType::kFp16:
    case DataType::kBf16:
      return MakeStatus(Code::kInvalidArgument,
                        "{} cannot travel as JSON: ask for the output with binary_data true",
                        DataTypeName(tensor.type));
    case DataType::kInvalid: break;
  }
  return MakeStatus(Code::kInternal, "it has no data type");
}

// ---- the response around them

void AppendParameter(std::string& out, const Parameter& parameter) {
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

void AppendParameters(std::string& out, const Parameters& parameters) {
  out += R"(,"parameters":{)";
  for (const auto& [name, value] : parameters) {
    if (out.back() != '{') out += ',';
    json::AppendString(out, name);
    out += ':';
    AppendParameter(out, value);
  }
  out += '}';
}

void AppendHead(std::string& out, const InferResponse& response) {
  out += R"({"model_name":)";
  json::AppendString(out, json::ToValidUtf8(response.model));
  out += R"(,"model_version":)";
  json::AppendString(out, json::ToValidUtf8(response.version));
  if (!response.id.empty()) {
    out += R"(,"id":)";
    json::AppendString(out, json::ToValidUtf8(response.id));
  }
  if (!response.parameters.empty()) AppendParameters(out, response.parameters);
  out += R"(,"outputs":[)";
}

void AppendShape(std::string& out, const Shape& shape) {
  out += '[';
  for (const int64_t dim : shape) {
    json::AppendNumber(out, dim);
    out += ',';
  }
  CloseList(out);
}

// How the client wants one output.
RequestedOutput Wanted(const InferRequest& request, const std::string& name) {
  const auto found = std::ranges::find(request.outputs, name, &RequestedOutput::name);
  RequestedOutput wanted;
  if (found == request.outputs.end()) {
    wanted.binary = request.binary_outputs;
  } else {
    wanted.binary = found->binary;
    wanted.classification = found->classification;
    wanted.shared_memory = found->shared_memory;
  }
  wanted.binary = wanted.binary || request.raw_input;
  return wanted;
}

class ResponseEncoder {
 public:
  Status Add(const Tensor& tensor, bool binary) {
    AddHead(tensor);
    if (binary) {
      AddBinary(tensor);
      return {};
    }
    json_ += R"(,"data":[)";
    SARAI_CHECK_OK(AppendElements(json_, tensor));
    CloseList(json_);
    json_ += '}';
    return {};
  }

  // Its bytes are in the client's memory already. As in Triton, whose C++ client takes any
  // parameters for those of binary data, nothing more is said of it.
  void AddShared(const Tensor& tensor) {
    AddHead(tensor);
    json_ += '}';
  }

  std::string& json() { return json_; }

  EncodedResponse Finish() {
    json_ += "]}";
    EncodedResponse encoded{.json_size = json_.size(), .binary = any_binary_};
    encoded.body.push_back(Blob::FromString(std::move(json_)));
    for (Blob& tensor : binary_) encoded.body.push_back(std::move(tensor));
    return encoded;
  }

 private:
  void AddHead(const Tensor& tensor) {
    if (!json_.ends_with('[')) json_ += ',';
    json_ += R"({"name":)";
    json::AppendString(json_, json::ToValidUtf8(tensor.name));
    json_ += R"(,"datatype":")";
    json_ += DataTypeName(tensor.type);
    json_ += R"(","shape":)";
    AppendShape(json_, tensor.shape);
  }

  void AddBinary(const Tensor& tensor) {
    json_ += R"(,"parameters":{"binary_data_size":)";
    json::AppendNumber(json_, tensor.data.size());
    json_ += "}}";
    any_binary_ = true;
    if (!tensor.data.empty()) binary_.push_back(tensor.data);
  }

  std::string json_;
  std::vector<Blob> binary_;
  bool any_binary_ = false;
};

Status AddOutput(const Tensor& tensor, const RequestedOutput& wanted, const EncodeOptions& options,
                 ResponseEncoder& encoder) {
  if (wanted.shared_memory) {
    encoder.AddShared(tensor);
    return {};
  }
  if (wanted.classification == 0) return encoder.Add(tensor, wanted.binary);
  const auto classified = Classify(tensor, wanted.classification, options);
  if (!classified) return classified.error();
  return encoder.Add(*classified, wanted.binary);
}

}  // namespace

Result<EncodedResponse> EncodeInferResponse(const InferResponse& response,
                                            const InferRequest& request,
                                            const EncodeOptions& options) {
  ResponseEncoder encoder;
  AppendHead(encoder.json(), response);
  for (const Tensor& tensor : response.outputs) {
    const Status status = AddOutput(tensor, Wanted(request, tensor.name), options, encoder);
    if (!status.ok()) return Error(status.WithContext(fmt::format("output '{}'", tensor.name)));
  }
  return encoder.Finish();
}

}  // namespace sarai::kserve
