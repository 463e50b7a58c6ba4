#include "backends/openvino/ov_values.h"

#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "backends/common/counted_memory.h"
#include "backends/openvino/ov_types.h"

namespace sarai::backends::openvino {
namespace {

// What OpenVINO takes an output's memory from.
struct CountingAllocator {
  void* allocate(size_t bytes, size_t /*alignment*/) const {
    void* block = CountedAllocate(bytes);
    if (block == nullptr) throw std::bad_alloc();
    return block;
  }
  void deallocate(void* block, size_t /*bytes*/, size_t /*alignment*/) const noexcept {
    CountedFree(block);
  }
  bool is_equal(const CountingAllocator& /*other*/) const { return true; }
};

ov::Shape ToOvShape(const Shape& shape) { return {shape.begin(), shape.end()}; }

}  // namespace

ov::Tensor ToOv(const Tensor& tensor, const Shape& shape) {
  static constexpr std::byte kEmpty{};  // OpenVINO wants an address even for no bytes
  const std::byte* data = tensor.data.empty() ? &kEmpty : tensor.data.data();
  return {ToOvType(tensor.type), ToOvShape(shape), const_cast<std::byte*>(data)};
}

ov::Tensor Padded(const ov::Tensor& tensor, size_t rows) {
  ov::Shape shape = tensor.get_shape();
  shape[0] = rows;
  ov::Tensor padded(tensor.get_element_type(), shape);
  auto* bytes = static_cast<std::byte*>(padded.data());
  std::memcpy(bytes, tensor.data(), tensor.get_byte_size());
  std::memset(bytes + tensor.get_byte_size(), 0, padded.get_byte_size() - tensor.get_byte_size());
  return padded;
}

ov::Tensor EmptyOutput(const ov::element::Type& type, const ov::PartialShape& shape) {
  ov::Shape initial;
  if (shape.rank().is_static())
    for (const ov::Dimension& dim : shape)
      initial.push_back(shape.is_static() ? static_cast<size_t>(dim.get_length()) : 0);
  if (shape.rank().is_dynamic()) initial = {0};
  return {type, initial, ov::Allocator(CountingAllocator{})};
}

Result<Tensor> FromOv(const ov::Tensor& value, std::string name, int64_t rows) {
  const ov::Shape& theirs = value.get_shape();
  Shape shape(theirs.begin(), theirs.end());
  size_t count = value.get_size();
  if (rows >= 0 && !shape.empty() && shape[0] > rows) {
    count = count / theirs[0] * static_cast<size_t>(rows);
    shape[0] = rows;
  }
  const DataType type = FromOvType(value.get_element_type());
  if (type == DataType::kInvalid)
    return Error(Code::kUnimplemented, "output '{}' has OpenVINO's type {}, which cannot be served",
                 name, value.get_element_type().get_type_name());
  const auto owner = std::make_shared<const ov::Tensor>(value);
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(owner->data()),
                                         count * ElementSize(type));
  return Tensor{
      .name = std::move(name), .type = type, .shape = std::move(shape), .data = Blob(owner, bytes)};
}

}  // namespace sarai::backends::openvino
