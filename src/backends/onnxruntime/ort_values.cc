#include "backends/onnxruntime/ort_values.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "backends/onnxruntime/ort_types.h"

namespace sarai::backends::ort {
namespace {

Result<Owned<OrtValue>> NumbersToValue(OrtRuntime& runtime, const Tensor& tensor,
                                       const Shape& shape) {
  static constexpr std::byte kEmpty{};  // ORT wants an address even for no bytes
  const std::byte* data = tensor.data.empty() ? &kEmpty : tensor.data.data();
  OrtValue* value = nullptr;
  SARAI_CHECK_OK(
      ToStatus(runtime.api(),
               runtime.api().CreateTensorWithDataAsOrtValue(
                   runtime.memory_info(), const_cast<std::byte*>(data), tensor.data.size(),
                   shape.data(), shape.size(), ToOnnxType(tensor.type), &value),
               During::kRun));
  return Own(value, runtime.api().ReleaseValue);
}

Result<Owned<OrtValue>> StringsToValue(OrtRuntime& runtime, const Tensor& tensor,
                                       const Shape& shape) {
  const OrtApi& api = runtime.api();
  SARAI_CHECK_OK(CheckTensorBytes(tensor));
  SARAI_TRY(const auto elements, BytesElements(tensor.data.bytes()));
  OrtValue* value = nullptr;
  SARAI_CHECK_OK(
      ToStatus(api,
               api.CreateTensorAsOrtValue(runtime.allocator(), shape.data(), shape.size(),
                                          ONNX_TENSOR_ELEMENT_DATA_TYPE_STRING, &value),
               During::kRun));
  auto owned = Own(value, api.ReleaseValue);
  for (size_t i = 0; i < elements.size(); ++i) {
    char* buffer = nullptr;
    SARAI_CHECK_OK(ToStatus(
        api, api.GetResizedStringTensorElementBuffer(value, i, elements[i].size(), &buffer),
        During::kRun));
    if (!elements[i].empty()) std::memcpy(buffer, elements[i].data(), elements[i].size());
  }
  return owned;
}

// ORT hands out all strings in one run of bytes, and where each begins.
Result<Blob> StringsOf(const OrtApi& api, const OrtValue* value, size_t count) {
  size_t length = 0;
  SARAI_CHECK_OK(ToStatus(api, api.GetStringTensorDataLength(value, &length), During::kRun));
  std::vector<char> text(length);
  std::vector<size_t> begins(count + 1, length);
  if (count > 0)
    SARAI_CHECK_OK(
        ToStatus(api, api.GetStringTensorContent(value, text.data(), length, begins.data(), count),
                 During::kRun));
  std::vector<std::string_view> elements;
  elements.reserve(count);
  for (size_t i = 0; i < count; ++i)
    elements.emplace_back(text.data() + begins[i], begins[i + 1] - begins[i]);
  return Blob::FromVector(EncodeBytesElements(elements));
}

bool LiesInAny(std::span<const std::byte> bytes, const std::vector<Tensor>& inputs) {
  return !bytes.empty() && std::ranges::any_of(inputs, [&](const Tensor& input) {
    return bytes.data() >= input.data.data() &&
           bytes.data() < input.data.data() + input.data.size();
  });
}

Result<Blob> NumbersOf(const std::shared_ptr<OrtRuntime>& runtime, Owned<OrtValue> value,
                       size_t bytes, const std::vector<Tensor>& inputs) {
  void* data = nullptr;
  SARAI_CHECK_OK(ToStatus(runtime->api(), runtime->api().GetTensorMutableData(value.get(), &data),
                          During::kRun));
  const std::span<const std::byte> view(static_cast<const std::byte*>(data), bytes);
  if (LiesInAny(view, inputs)) return Blob::Copy(view);
  struct Owner {
    std::shared_ptr<OrtRuntime> runtime;  // declared first: released after the value
    Owned<OrtValue> value;
  };
  return Blob(std::make_shared<Owner>(runtime, std::move(value)), view);
}

Status ReadShape(const OrtApi& api, const OrtValue* value, Tensor& tensor) {
  OrtTensorTypeAndShapeInfo* info = nullptr;
  SARAI_CHECK_OK(ToStatus(api, api.GetTensorTypeAndShape(value, &info), During::kRun));
  const auto owned = Own(info, api.ReleaseTensorTypeAndShapeInfo);
  ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  SARAI_CHECK_OK(ToStatus(api, api.GetTensorElementType(info, &element), During::kRun));
  tensor.type = FromOnnxType(element);
  size_t rank = 0;
  SARAI_CHECK_OK(ToStatus(api, api.GetDimensionsCount(info, &rank), During::kRun));
  tensor.shape.resize(rank);
  return ToStatus(api, api.GetDimensions(info, tensor.shape.data(), rank), During::kRun);
}

}  // namespace

Result<Owned<OrtValue>> ToValue(OrtRuntime& runtime, const Tensor& tensor, const Shape& shape) {
  if (tensor.type == DataType::kBytes) return StringsToValue(runtime, tensor, shape);
  return NumbersToValue(runtime, tensor, shape);
}

Result<Tensor> FromValue(const std::shared_ptr<OrtRuntime>& runtime, Owned<OrtValue> value,
                         std::string name, const std::vector<Tensor>& inputs) {
  Tensor tensor{.name = std::move(name)};
  if (value == nullptr)
    return Error(Code::kInternal, "the model gave no value for output '{}'", tensor.name);
  SARAI_CHECK_OK(ReadShape(runtime->api(), value.get(), tensor));
  SARAI_TRY(const int64_t count, ElementCount(tensor.shape));
  const auto elements = static_cast<size_t>(count);
  if (tensor.type == DataType::kBytes) {
    SARAI_TRY(tensor.data, StringsOf(runtime->api(), value.get(), elements));
    return tensor;
  }
  SARAI_TRY(tensor.data,
            NumbersOf(runtime, std::move(value), elements * ElementSize(tensor.type), inputs));
  return tensor;
}

}  // namespace sarai::backends::ort
