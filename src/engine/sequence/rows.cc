#include "engine/sequence/rows.h"

#include <algorithm>
#include <cstring>

#include "engine/model_directory.h"

namespace sarai::engine {
namespace {

constexpr uint64_t kMaxStateBytes = 8ull << 30;  // of one initial state
constexpr size_t kLengthBytes = 4;               // before each element of a BYTES tensor

Blob Zeros(size_t size) { return Blob::FromVector(std::vector<std::byte>(size)); }

Tensor ZerosLike(const Tensor& like) {
  const auto count = static_cast<size_t>(ElementCount(like.shape).value_or(0));
  const size_t size = like.type == DataType::kBytes ? kLengthBytes : ElementSize(like.type);
  return {.name = like.name, .type = like.type, .shape = like.shape, .data = Zeros(count * size)};
}

template <typename T>
std::vector<std::byte> BytesOf(T value) {
  std::vector<std::byte> bytes(sizeof(value));
  std::memcpy(bytes.data(), &value, sizeof(value));
  return bytes;
}

std::vector<std::byte> FlagBytes(const SequenceControl& control, bool on) {
  const double value = on ? control.on : control.off;
  switch (control.type) {
    case DataType::kInt32: return BytesOf(static_cast<int32_t>(value));
    case DataType::kFp32: return BytesOf(static_cast<float>(value));
    default: return BytesOf(static_cast<uint8_t>(value != 0));
  }
}

// Numbers that do not fit lose their upper half, as in Triton.
std::vector<std::byte> IdBytes(const SequenceControl& control, const CorrelationId& id) {
  const auto* const text = std::get_if<std::string>(&id);
  const uint64_t number = text == nullptr ? std::get<uint64_t>(id) : 0;
  if (control.type == DataType::kBytes) {
    const std::string element = text == nullptr ? std::to_string(number) : *text;
    const std::string_view view = element;
    return EncodeBytesElements({&view, 1});
  }
  std::vector<std::byte> bytes = BytesOf(number);
  bytes.resize(ElementSize(control.type));
  return bytes;
}

bool IsOn(SequenceControl::Kind kind, StepFlags flags) {
  switch (kind) {
    case SequenceControl::Kind::kStart: return flags.start;
    case SequenceControl::Kind::kEnd: return flags.end;
    default: return flags.ready;
  }
}

Shape InitialShape(const ModelSpec& spec, const SequenceState& state) {
  Shape shape = state.initial_dims.empty() ? state.dims : state.initial_dims;
  for (int64_t& dim : shape) dim = dim == -1 ? 1 : dim;
  if (spec.max_batch_size > 0) shape.insert(shape.begin(), 1);
  return shape;
}

Result<Tensor> InitialState(const ModelSpec& spec, const SequenceState& state) {
  Tensor tensor{.name = state.input, .type = state.type, .shape = InitialShape(spec, state)};
  SARAI_TRY(const int64_t count, ElementCount(tensor.shape));
  const size_t element = std::max<size_t>(ElementSize(state.type), kLengthBytes);
  if (static_cast<uint64_t>(count) > kMaxStateBytes / element)
    return Error(Code::kInvalidArgument, "its shape {} is more than {} bytes",
                 ShapeText(tensor.shape), kMaxStateBytes);
  if (state.initial_file.empty()) return ZerosLike(tensor);
  SARAI_TRY(std::string data, ReadSmallFile(state.initial_file, kMaxStateBytes));
  const size_t size = static_cast<size_t>(count) * ElementSize(state.type);
  if (state.type != DataType::kBytes) {
    if (data.size() < size)
      return Error(Code::kInvalidArgument, "'{}' has {} bytes, shape {} of {} needs {}",
                   state.initial_file, data.size(), ShapeText(tensor.shape),
                   DataTypeName(state.type), size);
    data.resize(size);
  }
  tensor.data = Blob::FromString(std::move(data));
  SARAI_CHECK_OK(CheckTensorBytes(tensor));
  return tensor;
}

}  // namespace

void AddControls(const ModelSpec& spec, StepFlags flags, const CorrelationId& id, int64_t rows,
                 std::vector<Tensor>& inputs) {
  if (!spec.sequence) return;
  for (const SequenceControl& control : spec.sequence->controls) {
    const bool is_id = control.kind == SequenceControl::Kind::kCorrelationId;
    Tensor row{.name = control.input,
               .type = control.type,
               .shape = spec.max_batch_size > 0 ? Shape{1, 1} : Shape{1},
               .data = Blob::FromVector(is_id ? IdBytes(control, id)
                                              : FlagBytes(control, IsOn(control.kind, flags)))};
    inputs.push_back(rows == 1 ? std::move(row) : Repeated(row, rows));
  }
}

Status CheckCorrelationId(const ModelSpec& spec, const CorrelationId& id) {
  if (!spec.sequence || !std::holds_alternative<std::string>(id)) return {};
  for (const SequenceControl& control : spec.sequence->controls)
    if (control.kind == SequenceControl::Kind::kCorrelationId && control.type != DataType::kBytes)
      return MakeStatus(Code::kInvalidArgument,
                        "sequence id '{}' is a text, but the model's input '{}' takes it as {}: "
                        "use a number",
                        std::get<std::string>(id), control.input, DataTypeName(control.type));
  return {};
}

void AddStates(const ModelSpec& spec, std::span<const Tensor> values, std::vector<Tensor>& inputs) {
  for (size_t i = 0; i < values.size(); ++i) {
    inputs.push_back(values[i]);
    inputs.back().name = spec.sequence->states[i].input;
  }
}

Pending MakeNullRow(const ModelSpec& spec, const PendingRequest& like,
                    std::span<const Tensor> states) {
  auto row = std::make_unique<PendingRequest>();
  row->null_row = true;
  row->arrived = like.arrived;
  for (const Tensor& input : like.inputs) row->inputs.push_back(ZerosLike(input));
  const bool text = std::holds_alternative<std::string>(like.request.sequence);
  const CorrelationId nobody = text ? CorrelationId("") : CorrelationId();
  AddControls(spec, {.ready = false}, nobody, 1, row->inputs);
  std::vector<Tensor> zeros;
  for (const Tensor& state : states) zeros.push_back(ZerosLike(state));
  AddStates(spec, zeros, row->inputs);
  return row;
}

uint64_t StepKey(uint64_t shape_key, std::span<const Tensor> states) {
  uint64_t key = shape_key;
  for (const Tensor& state : states)
    for (const int64_t dim : state.shape) key = (key ^ static_cast<uint64_t>(dim)) * 0x100000001b3;
  return key;
}

Result<std::vector<Tensor>> InitialStates(const ModelSpec& spec) {
  std::vector<Tensor> states;
  if (!spec.sequence) return states;
  for (const SequenceState& state : spec.sequence->states) {
    auto initial = InitialState(spec, state);
    if (!initial) return Error(initial.error().WithContext(fmt::format("state '{}'", state.input)));
    states.push_back(std::move(*initial));
  }
  return states;
}

Tensor Repeated(const Tensor& row, int64_t rows) {
  Tensor all = row;
  std::vector<std::byte> bytes;
  bytes.reserve(row.data.size() * static_cast<size_t>(rows));
  for (int64_t i = 0; i < rows; ++i)
    bytes.insert(bytes.end(), row.data.bytes().begin(), row.data.bytes().end());
  all.data = Blob::FromVector(std::move(bytes));
  all.shape.front() *= rows;
  return all;
}

}  // namespace sarai::engine
