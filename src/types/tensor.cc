#include "types/tensor.h"

#include <cstring>

namespace sarai {

Result<int64_t> ElementCount(std::span<const int64_t> shape) {
  constexpr int64_t kMax = int64_t{1} << 62;
  int64_t count = 1;
  for (const int64_t dim : shape) {
    if (dim < 0)
      return Error(Code::kInvalidArgument, "shape {} has a negative dimension", ShapeText(shape));
    if (dim != 0 && count > kMax / dim)
      return Error(Code::kInvalidArgument, "shape {} has too many elements", ShapeText(shape));
    count *= dim;
  }
  return count;
}

std::string ShapeText(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

Result<std::vector<std::string_view>> BytesElements(std::span<const std::byte> data) {
  std::vector<std::string_view> elements;
  size_t at = 0;
  while (at < data.size()) {
    uint32_t length = 0;
    if (data.size() - at < sizeof(length))
      return Error(Code::kInvalidArgument, "BYTES data ends inside the length of element {}",
                   elements.size());
    std::memcpy(&length, data.data() + at, sizeof(length));
    at += sizeof(length);
    if (data.size() - at < length)
      return Error(Code::kInvalidArgument,
                   "BYTES element {} announces {} bytes, but only {} are left", elements.size(),
                   length, data.size() - at);
    elements.emplace_back(reinterpret_cast<const char*>(data.data()) + at, length);
    at += length;
  }
  return elements;
}

std::vector<std::byte> EncodeBytesElements(std::span<const std::string_view> elements) {
  size_t size = 0;
  for (const std::string_view element : elements) size += 4 + element.size();
  std::vector<std::byte> data(size);
  std::byte* out = data.data();
  for (const std::string_view element : elements) {
    const auto length = static_cast<uint32_t>(element.size());
    std::memcpy(out, &length, sizeof(length));
    out += sizeof(length);
    if (!element.empty()) std::memcpy(out, element.data(), element.size());
    out += element.size();
  }
  return data;
}

Status CheckTensorBytes(const Tensor& tensor) {
  const auto count = ElementCount(tensor.shape);
  if (!count) return count.error().WithContext(fmt::format("tensor '{}'", tensor.name));
  if (tensor.type == DataType::kBytes) {
    const auto elements = BytesElements(tensor.data.bytes());
    if (!elements) return elements.error().WithContext(fmt::format("tensor '{}'", tensor.name));
    if (static_cast<int64_t>(elements->size()) == *count) return {};
    return MakeStatus(Code::kInvalidArgument,
                      "tensor '{}': {} elements were sent, but shape {} needs {}", tensor.name,
                      elements->size(), ShapeText(tensor.shape), *count);
  }
  const auto size = ElementSize(tensor.type);
  if (size == 0)
    return MakeStatus(Code::kInvalidArgument, "tensor '{}' has no data type", tensor.name);
  if (tensor.data.size() / size == static_cast<uint64_t>(*count) && tensor.data.size() % size == 0)
    return {};
  return MakeStatus(Code::kInvalidArgument,
                    "tensor '{}': {} bytes were sent, but {} of shape {} needs {}", tensor.name,
                    tensor.data.size(), DataTypeName(tensor.type), ShapeText(tensor.shape),
                    static_cast<uint64_t>(*count) * size);
}

}  // namespace sarai
