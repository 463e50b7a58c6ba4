#include "backends/tensorflow/tf_values.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "backends/tensorflow/saved_model.h"

namespace sarai::backends::tensorflow {
namespace {

TF_TString* StringsIn(const TfApi& api, const TF_Tensor* tensor) {
  return static_cast<TF_TString*>(api.TF_TensorData(tensor));
}

Status NoMemory(const std::string& name) {
  return MakeStatus(Code::kResourceExhausted, "no memory for input '{}'", name);
}

Result<OwnedTensor> StringsToTf(const std::shared_ptr<const TfApi>& api, const Tensor& tensor,
                                const Shape& shape) {
  SARAI_CHECK_OK(CheckTensorBytes(tensor));
  SARAI_TRY(const auto elements, BytesElements(tensor.data.bytes()));
  OwnedTensor value(
      api->TF_AllocateTensor(ToTfType(tensor.type), shape.data(), static_cast<int>(shape.size()),
                             elements.size() * sizeof(TF_TString)),
      {api});
  if (value == nullptr) return Error(NoMemory(tensor.name));
  TF_TString* strings = StringsIn(*api, value.get());
  for (size_t i = 0; i < elements.size(); ++i) {
    api->TF_StringInit(&strings[i]);
    api->TF_StringCopy(&strings[i], elements[i].data(), elements[i].size());
  }
  value.get_deleter().strings = elements.size();
  return value;
}

Tensor StringsOf(const TfApi& api, const TF_Tensor* value) {
  const TF_TString* strings = StringsIn(api, value);
  std::vector<std::string_view> elements(api.TF_TensorByteSize(value) / sizeof(TF_TString));
  for (size_t i = 0; i < elements.size(); ++i)
    elements[i] = {api.TF_StringGetDataPointer(&strings[i]), api.TF_StringGetSize(&strings[i])};
  return {.data = Blob::FromVector(EncodeBytesElements(elements))};
}

bool LiesInAny(std::span<const std::byte> bytes, const std::vector<Tensor>& inputs) {
  return !bytes.empty() && std::ranges::any_of(inputs, [&](const Tensor& input) {
    return bytes.data() >= input.data.data() &&
           bytes.data() < input.data.data() + input.data.size();
  });
}

}  // namespace

void TfTensorDeleter::operator()(TF_Tensor* tensor) const {
  for (size_t i = 0; i < strings; ++i) api->TF_StringDealloc(&StringsIn(*api, tensor)[i]);
  api->TF_DeleteTensor(tensor);
}

Result<OwnedTensor> ToTf(const std::shared_ptr<const TfApi>& api, const Tensor& tensor,
                         const Shape& shape) {
  if (tensor.type == DataType::kBytes) return StringsToTf(api, tensor, shape);
  // The graph may keep the tensor for longer than the run.
  auto* owner = new Blob(tensor.data);
  const auto release = [](void*, size_t, void* argument) { delete static_cast<Blob*>(argument); };
  OwnedTensor value(
      api->TF_NewTensor(ToTfType(tensor.type), shape.data(), static_cast<int>(shape.size()),
                        const_cast<std::byte*>(tensor.data.data()), tensor.data.size(), release,
                        owner),
      {api});
  if (value == nullptr) return Error(NoMemory(tensor.name));
  return value;
}

Result<Tensor> FromTf(OwnedTensor value, std::string name, const std::vector<Tensor>& inputs) {
  const TfApi& api = *value.get_deleter().api;
  Tensor tensor;
  const DataType type = FromTfType(api.TF_TensorType(value.get()));
  if (type == DataType::kInvalid)
    return Error(Code::kUnimplemented,
                 "output '{}' has TensorFlow's type {}, which no protocol has", name,
                 api.TF_TensorType(value.get()));
  Shape shape;
  for (int i = 0; i < api.TF_NumDims(value.get()); ++i) shape.push_back(api.TF_Dim(value.get(), i));
  if (type == DataType::kBytes) {
    tensor = StringsOf(api, value.get());
  } else {
    const std::span<const std::byte> bytes(
        static_cast<const std::byte*>(api.TF_TensorData(value.get())),
        api.TF_TensorByteSize(value.get()));
    tensor.data = LiesInAny(bytes, inputs)
                      ? Blob::Copy(bytes)
                      : Blob(std::make_shared<const OwnedTensor>(std::move(value)), bytes);
  }
  tensor.name = std::move(name);
  tensor.type = type;
  tensor.shape = std::move(shape);
  return tensor;
}

}  // namespace sarai::backends::tensorflow
