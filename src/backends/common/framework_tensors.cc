#include "backends/common/framework_tensors.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <utility>

namespace sarai::backends {
namespace {

const TensorSpec* Find(const std::vector<TensorSpec>& tensors, const std::string& name) {
  const auto at = std::ranges::find(tensors, name, &TensorSpec::name);
  return at == tensors.end() ? nullptr : &*at;
}

// What the tensor has where its spec says -1, in order.
Shape VariableDims(const ModelSpec& spec, const Tensor& tensor, size_t first) {
  Shape values;
  const TensorSpec* declared = Find(spec.inputs, tensor.name);
  if (declared == nullptr || declared->dims.size() + first != tensor.shape.size()) return values;
  for (size_t i = 0; i < declared->dims.size(); ++i)
    if (declared->dims[i] < 0) values.push_back(tensor.shape[first + i]);
  return values;
}

// Fills the -1s of `shape`: a single one from the element count, else one by one from `values`.
void FillVariableDims(Shape& shape, const Shape& values, int64_t count) {
  const auto open = static_cast<size_t>(std::ranges::count(shape, -1));
  int64_t known = 1;
  for (const int64_t dim : shape)
    if (dim != -1) known *= dim;
  if (open == 1 && known > 0) {
    *std::ranges::find(shape, -1) = count / known;
  } else if (open == values.size()) {
    auto next = values.begin();
    for (int64_t& dim : shape)
      if (dim == -1) dim = *next++;
  }
}

Status CheckTensor(const char* what, const ModelSpec& spec, const TensorSpec& asked,
                   const std::vector<TensorSpec>& known) {
  const TensorSpec* const at = Find(known, asked.name);
  if (at == nullptr)
    return MakeStatus(Code::kInvalidArgument,
                      "the config names {} '{}', which the model does not have; it has {}", what,
                      asked.name, QuotedNames(known));
  if (at->type != asked.type)
    return MakeStatus(Code::kInvalidArgument,
                      "the config says {} for {} '{}', but the model has {}",
                      DataTypeName(asked.type), what, asked.name, DataTypeName(at->type));
  // Batches of ragged tensors have shapes of their own.
  const Shape dims = FrameworkDims(spec, asked);
  if (asked.ragged || at->dims.empty() || DimsAgree(dims, at->dims)) return {};
  return MakeStatus(Code::kInvalidArgument,
                    "the config gives {} '{}' the shape {} (batch dimension included), but the "
                    "model has {}",
                    what, asked.name, ShapeText(dims), ShapeText(at->dims));
}

}  // namespace

Result<Shape> FrameworkShape(const ModelSpec& spec, const Tensor& tensor) {
  const auto reshape = spec.reshape.find(tensor.name);
  if (reshape == spec.reshape.end()) return tensor.shape;
  const size_t first = spec.max_batch_size > 0 && !tensor.shape.empty() ? 1 : 0;
  SARAI_TRY(const int64_t count, ElementCount(tensor.shape));
  Shape shape(tensor.shape.begin(), tensor.shape.begin() + static_cast<std::ptrdiff_t>(first));
  shape.insert(shape.end(), reshape->second.begin(), reshape->second.end());
  FillVariableDims(shape, VariableDims(spec, tensor, first), count);
  const auto reshaped = ElementCount(shape);
  if (reshaped && *reshaped == count) return shape;
  return Error(Code::kInvalidArgument,
               "input '{}': shape {} cannot be reshaped to {} as the model's config asks",
               tensor.name, ShapeText(tensor.shape), ShapeText(reshape->second));
}

Shape FrameworkDims(const ModelSpec& spec, const TensorSpec& tensor) {
  Shape dims;
  if (spec.max_batch_size > 0) dims.push_back(-1);
  const auto reshape = spec.reshape.find(tensor.name);
  const Shape& own = reshape == spec.reshape.end() ? tensor.dims : reshape->second;
  dims.insert(dims.end(), own.begin(), own.end());
  return dims;
}

Blob AlignedFor(DataType type, const Blob& data) {
  const size_t alignment = std::max<size_t>(ElementSize(type), 1);
  if (reinterpret_cast<uintptr_t>(data.data()) % alignment == 0) return data;
  return Blob::Copy(data.bytes());
}

bool DimsAgree(std::span<const int64_t> a, std::span<const int64_t> b) {
  return std::ranges::equal(a, b,
                            [](int64_t x, int64_t y) { return x == -1 || y == -1 || x == y; });
}

std::vector<std::string> WantedOutputs(const ModelSpec& spec,
                                       const std::vector<std::string>& asked) {
  if (!asked.empty()) return asked;
  std::vector<std::string> names;
  std::ranges::transform(spec.outputs, std::back_inserter(names), &TensorSpec::name);
  return names;
}

std::string QuotedNames(const std::vector<TensorSpec>& tensors) {
  if (tensors.empty()) return "none";
  std::string text;
  for (const TensorSpec& tensor : tensors) {
    if (!text.empty()) text += ", ";
    text += '\'' + tensor.name + '\'';
  }
  return text;
}

Status CheckTensors(const ModelSpec& spec, const std::vector<TensorSpec>& model_inputs,
                    const std::vector<TensorSpec>& model_outputs) {
  const std::vector<TensorSpec> inputs = FrameworkInputs(spec);
  for (const TensorSpec& input : inputs)
    SARAI_CHECK_OK(CheckTensor("input", spec, input, model_inputs));
  for (const TensorSpec& output : FrameworkOutputs(spec))
    SARAI_CHECK_OK(CheckTensor("output", spec, output, model_outputs));
  for (const TensorSpec& input : model_inputs)
    if (!input.optional && Find(inputs, input.name) == nullptr)
      return MakeStatus(Code::kInvalidArgument, "the config lacks the model's input '{}'",
                        input.name);
  return {};
}

}  // namespace sarai::backends
