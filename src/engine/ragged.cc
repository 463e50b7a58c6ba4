#include "engine/ragged.h"

#include <algorithm>
#include <cstring>

namespace sarai::engine {
namespace {

using Kind = BatchInputSpec::Kind;

const Tensor* FindInput(const PendingRequest& pending, std::string_view name) {
  const auto found = std::ranges::find(pending.inputs, name, &Tensor::name);
  return found == pending.inputs.end() ? nullptr : &*found;
}

// The source's shapes, batch dimension included, a request each.
Result<std::vector<Shape>> SourceShapes(std::string_view source, std::span<const Pending> batch) {
  std::vector<Shape> shapes;
  for (const Pending& pending : batch) {
    const Tensor* const input = FindInput(*pending, source);
    if (input == nullptr)
      return Error(Code::kInvalidArgument,
                   "input '{}' is missing; the batch is described by its shape", source);
    shapes.push_back(input->shape);
  }
  return shapes;
}

Tensor MakeTensor(const std::string& name, DataType type, Shape shape,
                  const std::vector<int64_t>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(int32_t));
  for (size_t i = 0; i < values.size(); ++i) {
    const auto whole = static_cast<int32_t>(values[i]);
    const auto real = static_cast<float>(values[i]);
    const void* const from = type == DataType::kFp32 ? static_cast<const void*>(&real) : &whole;
    std::memcpy(bytes.data() + i * sizeof(int32_t), from, sizeof(int32_t));
  }
  return {name, type, std::move(shape), Blob::FromVector(std::move(bytes))};
}

// Each item's shape without its batch dimension, as often as the request has items.
std::vector<int64_t> ItemShapes(const std::vector<Shape>& shapes) {
  std::vector<int64_t> values;
  for (const Shape& shape : shapes)
    for (int64_t item = 0; item < shape.front(); ++item)
      values.insert(values.end(), shape.begin() + 1, shape.end());
  return values;
}

std::vector<int64_t> Values(Kind kind, const std::vector<Shape>& shapes) {
  if (kind == Kind::kItemShape || kind == Kind::kItemShapeFlatten) return ItemShapes(shapes);
  std::vector<int64_t> counts;
  for (const Shape& shape : shapes) counts.push_back(ElementCount(shape).value_or(0));
  if (kind == Kind::kElementCount) return counts;
  // Only its size says something.
  if (kind == Kind::kMaxElementCountAsShape)
    return std::vector<int64_t>(static_cast<size_t>(std::ranges::max(counts)));
  for (size_t i = 1; i < counts.size(); ++i) counts[i] += counts[i - 1];
  if (kind == Kind::kAccumulatedElementCountWithZero) counts.insert(counts.begin(), 0);
  return counts;
}

}  // namespace

bool IsRagged(const ModelSpec& spec, std::string_view input) {
  const auto found = std::ranges::find(spec.inputs, input, &TensorSpec::name);
  return found != spec.inputs.end() && found->ragged;
}

Result<std::vector<Tensor>> MakeBatchInputs(const ModelSpec& spec, std::span<const Pending> batch) {
  std::vector<Tensor> inputs;
  for (const BatchInputSpec& input : spec.batch_inputs) {
    SARAI_TRY(const std::vector<Shape> shapes, SourceShapes(input.source, batch));
    const std::vector<int64_t> values = Values(input.kind, shapes);
    Shape shape = {static_cast<int64_t>(values.size())};
    if (const auto rank = static_cast<int64_t>(shapes.front().size()) - 1;
        input.kind == Kind::kItemShape && rank > 0)
      shape = {shape.front() / rank, rank};
    for (const std::string& target : input.targets)
      inputs.push_back(MakeTensor(target, input.type, shape, values));
  }
  return inputs;
}

std::string_view ScatterSource(const ModelSpec& spec, std::string_view output) {
  for (const BatchOutputSpec& scattered : spec.batch_outputs)
    if (std::ranges::find(scattered.targets, output) != scattered.targets.end())
      return scattered.source;
  return {};
}

Result<std::vector<Tensor>> Scatter(const ModelSpec& spec, const Tensor& output,
                                    std::string_view source, std::span<const Pending> batch) {
  SARAI_TRY(const std::vector<Shape> shapes, SourceShapes(source, batch));
  const auto declared = std::ranges::find(spec.outputs, output.name, &TensorSpec::name);
  std::vector<Tensor> parts;
  size_t at = 0;
  for (const Shape& from : shapes) {
    Shape shape = declared == spec.outputs.end() ? Shape() : declared->dims;
    if (spec.max_batch_size > 0) shape.insert(shape.begin(), -1);
    for (size_t i = 0; i < shape.size(); ++i)
      if (shape[i] < 0) shape[i] = i < from.size() ? from[i] : 1;
    SARAI_TRY(const int64_t count, ElementCount(shape));
    const size_t size = static_cast<size_t>(count) * ElementSize(output.type);
    if (ElementSize(output.type) == 0 || size > output.data.size() - at)
      return Error(Code::kInternal,
                   "model '{}' answered output '{}' with {} bytes, too few for the shapes of "
                   "input '{}'",
                   spec.name, output.name, output.data.size(), source);
    parts.push_back({output.name, output.type, std::move(shape), output.data.Slice(at, size)});
    at += size;
  }
  if (at == output.data.size()) return parts;
  return Error(Code::kInternal,
               "model '{}' answered output '{}' with {} bytes; the shapes of input '{}' make {}",
               spec.name, output.name, output.data.size(), source, at);
}

}  // namespace sarai::engine
