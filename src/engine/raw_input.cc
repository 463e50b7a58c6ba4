#include "engine/raw_input.h"

#include <algorithm>

namespace sarai::engine {
namespace {

Status Refuse(const ModelSpec& spec, std::string why) {
  return MakeStatus(Code::kInvalidArgument,
                    "model '{}' cannot take a body of raw bytes as its input: {}", spec.name, why);
}

Result<Shape> DeduceShape(const TensorSpec& input, size_t elements) {
  Shape fixed;
  std::ranges::copy_if(input.dims, std::back_inserter(fixed), [](int64_t d) { return d >= 0; });
  if (input.dims.size() - fixed.size() > 1)
    return Error(Code::kInvalidArgument,
                 "The shape of the raw input '{}' can not be deduced because there are more than "
                 "one variable-sized dimension in {}",
                 input.name, ShapeText(input.dims));
  SARAI_TRY(const int64_t known, ElementCount(fixed));
  Shape shape = input.dims;
  if (fixed.size() < shape.size() && known > 0)
    *std::ranges::find_if(shape, [](int64_t d) { return d < 0; }) =
        static_cast<int64_t>(elements) / known;
  const auto count = ElementCount(shape);
  if (!count || static_cast<size_t>(*count) != elements)
    return Error(Code::kInvalidArgument,
                 "input '{}' of type {} and shape {} does not fit {} elements", input.name,
                 DataTypeName(input.type), ShapeText(input.dims), elements);
  return shape;
}

// One element as the wire's BYTES form: its length, then itself.
Result<Tensor> OneElement(const TensorSpec& input, const Blob& body) {
  if (body.size() > UINT32_MAX)
    return Error(Code::kInvalidArgument, "{} bytes are too many for one element", body.size());
  const std::string_view element = body.text();
  SARAI_TRY(Shape shape, DeduceShape(input, 1));
  return Tensor{input.name, input.type, std::move(shape),
                Blob::FromVector(EncodeBytesElements({&element, 1}))};
}

Result<Tensor> Elements(const TensorSpec& input, const Blob& body) {
  const size_t size = ElementSize(input.type);
  if (size == 0 || body.size() % size != 0)
    return Error(Code::kInvalidArgument, "{} bytes are no whole number of {} elements", body.size(),
                 DataTypeName(input.type));
  SARAI_TRY(Shape shape, DeduceShape(input, body.size() / size));
  return Tensor{input.name, input.type, std::move(shape), body};
}

}  // namespace

Result<Tensor> ResolveRawInput(const ModelSpec& spec, const Blob& body) {
  if (spec.inputs.size() != 1)
    return Error(Code::kInvalidArgument,
                 "Raw request must only have 1 input (found 1) to be deduced but got {} inputs in "
                 "'{}' model configuration",
                 spec.inputs.size(), spec.name);
  const TensorSpec& input = spec.inputs.front();
  auto tensor = input.type == DataType::kBytes ? OneElement(input, body) : Elements(input, body);
  if (!tensor) return Error(Refuse(spec, tensor.error().message()));
  if (spec.max_batch_size > 0) tensor->shape.insert(tensor->shape.begin(), 1);
  return tensor;
}

}  // namespace sarai::engine
