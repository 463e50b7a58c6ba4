// A request as KServe's HTTP form has it.
#include <cstring>

#include "loadgen/payload.h"
#include "wire/json/text.h"

namespace sarai::loadgen {
namespace {

template <typename T>
void AppendNumbers(std::string& out, const Blob& data) {
  for (size_t at = 0; at < data.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, data.data() + at, sizeof(T));
    if (at > 0) out += ',';
    json::AppendNumber(out, value);
  }
}

Status AppendData(std::string& out, const Tensor& tensor) {
  switch (tensor.type) {
    case DataType::kBool:
      for (size_t i = 0; i < tensor.data.size(); ++i) {
        if (i > 0) out += ',';
        json::AppendBool(out, tensor.data.data()[i] != std::byte{0});
      }
      return {};
    case DataType::kUint8: return AppendNumbers<uint8_t>(out, tensor.data), Status();
    case DataType::kUint16: return AppendNumbers<uint16_t>(out, tensor.data), Status();
    case DataType::kUint32: return AppendNumbers<uint32_t>(out, tensor.data), Status();
    case DataType::kUint64: return AppendNumbers<uint64_t>(out, tensor.data), Status();
    case DataType::kInt8: return AppendNumbers<int8_t>(out, tensor.data), Status();
    case DataType::kInt16: return AppendNumbers<int16_t>(out, tensor.data), Status();
    case DataType::kInt32: return AppendNumbers<int32_t>(out, tensor.data), Status();
    case DataType::kInt64: return AppendNumbers<int64_t>(out, tensor.data), Status();
    case DataType::kFp32: return AppendNumbers<float>(out, tensor.data), Status();
    case DataType::kFp64: return AppendNumbers<double>(out, tensor.data), Status();
    case DataType::kBytes: {
      SARAI_TRY(const auto elements, BytesElements(tensor.data.bytes()));
      for (size_t i = 0; i < elements.size(); ++i) {
        if (i > 0) out += ',';
        json::AppendString(out, elements[i]);
      }
      return {};
    }
    default:
      return MakeStatus(Code::kInvalidArgument,
                        "input '{}' is {}, which JSON has no form for: leave out --json-tensors",
                        tensor.name, DataTypeName(tensor.type));
  }
}

}  // namespace

Result<HttpBody> EncodeHttp(const InferRequest& request, bool json) {
  std::string head = R"({"inputs":[)", tail;
  for (size_t i = 0; i < request.inputs.size(); ++i) {
    const Tensor& tensor = request.inputs[i];
    if (i > 0) head += ',';
    head += R"({"name":)";
    json::AppendString(head, tensor.name);
    head += R"(,"datatype":")" + std::string(DataTypeName(tensor.type)) + R"(","shape":)" +
            ShapeText(tensor.shape);
    if (json) {
      head += R"(,"data":[)";
      SARAI_CHECK_OK(AppendData(head, tensor));
      head += "]}";
    } else {
      head += R"(,"parameters":{"binary_data_size":)" + std::to_string(tensor.data.size()) + "}}";
      tail += tensor.data.text();
    }
  }
  head += json ? "]}" : R"(],"parameters":{"binary_data_output":true}})";
  HttpBody body{.content_type = "application/json"};
  if (!json) {
    body.content_type = "application/octet-stream";
    body.json_size = head.size();
  }
  body.body = Blob::FromString(head + tail);
  return body;
}

}  // namespace sarai::loadgen
