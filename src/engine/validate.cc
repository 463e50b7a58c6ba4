#include "engine/validate.h"

#include <algorithm>
#include <tuple>

#include "engine/raw_input.h"
#include "engine/reshape.h"

namespace sarai::engine {
namespace {

template <typename... Args>
std::unexpected<Status> Refuse(const ModelSpec& spec, fmt::format_string<Args...> format,
                               Args&&... args) {
  return Error(Code::kInvalidArgument, "model '{}': {}", spec.name,
               fmt::format(format, std::forward<Args>(args)...));
}

template <typename Named>
std::string NameList(const std::vector<Named>& items) {
  std::string text;
  for (const Named& item : items)
    text += fmt::format("{}'{}'", text.empty() ? "" : ", ", item.name);
  return text.empty() ? "none" : text;
}

template <typename Named>
const Named* FindByName(const std::vector<Named>& items, std::string_view name) {
  const auto found = std::ranges::find(items, name, &Named::name);
  return found == items.end() ? nullptr : &*found;
}

// Controls and states of sequences.
bool IsSchedulers(const ModelSpec& spec, std::string_view name) {
  if (!spec.sequence) return false;
  const auto& [controls, states] = std::tie(spec.sequence->controls, spec.sequence->states);
  return std::ranges::find(controls, name, &SequenceControl::input) != controls.end() ||
         std::ranges::find(states, name, &SequenceState::input) != states.end();
}

Status CheckNames(const ModelSpec& spec, const std::vector<Tensor>& inputs) {
  for (auto tensor = inputs.begin(); tensor != inputs.end(); ++tensor) {
    if (IsSchedulers(spec, tensor->name))
      return Refuse(spec,
                    "input '{}' is not the client's: the server fills it from the request's "
                    "sequence_id, sequence_start and sequence_end, or from the request before",
                    tensor->name)
          .error();
    if (FindByName(spec.inputs, tensor->name) == nullptr)
      return Refuse(spec, "unknown input '{}'; its inputs are {}", tensor->name,
                    NameList(spec.inputs))
          .error();
    if (std::find_if(inputs.begin(), tensor,
                     [&](const Tensor& t) { return t.name == tensor->name; }) != tensor)
      return Refuse(spec, "input '{}' was given twice", tensor->name).error();
  }
  return {};
}

Status CheckNoneMissing(const ModelSpec& spec, const std::vector<Tensor>& inputs) {
  for (const TensorSpec& input : spec.inputs)
    if (!input.optional && FindByName(inputs, input.name) == nullptr)
      return Refuse(spec, "input '{}' is missing; given: {}", input.name, NameList(inputs)).error();
  return {};
}

Status CheckOutputs(const ModelSpec& spec, const std::vector<RequestedOutput>& outputs) {
  for (auto output = outputs.begin(); output != outputs.end(); ++output) {
    if (!spec.outputs.empty() && FindByName(spec.outputs, output->name) == nullptr)
      return Refuse(spec, "unknown output '{}'; its outputs are {}", output->name,
                    NameList(spec.outputs))
          .error();
    if (std::find_if(outputs.begin(), output,
                     [&](const RequestedOutput& o) { return o.name == output->name; }) != output)
      return Refuse(spec, "output '{}' was asked for twice", output->name).error();
  }
  return {};
}

// The dims as a client writes them: the batch dimension included.
Shape FullDims(const ModelSpec& spec, const TensorSpec& input) {
  Shape dims = input.dims;
  if (spec.max_batch_size > 0) dims.insert(dims.begin(), -1);
  return dims;
}

Status CheckTensor(const ModelSpec& spec, const TensorSpec& input, const Tensor& tensor) {
  if (tensor.type != input.type || tensor.type == DataType::kInvalid)
    return Refuse(spec, "input '{}': expected type {}, got {}", input.name,
                  DataTypeName(input.type), DataTypeName(tensor.type))
        .error();
  if (const Shape dims = FullDims(spec, input); !FitsDims(dims, tensor.shape))
    return Refuse(spec, "input '{}': expected shape {}, got {}", input.name, ShapeText(dims),
                  ShapeText(tensor.shape))
        .error();
  if (const Status bytes = CheckTensorBytes(tensor); !bytes.ok())
    return Refuse(spec, "{}", bytes.message()).error();
  return {};
}

Status CheckBatch(const ModelSpec& spec, const Tensor& tensor, int64_t& batch) {
  const int64_t own = tensor.shape.front();
  if (own < 1 || own > spec.max_batch_size)
    return Refuse(spec, "input '{}': expected a batch of 1 to {} (max_batch_size), got {}",
                  tensor.name, spec.max_batch_size, own)
        .error();
  if (batch != 0 && batch != own)
    return Refuse(spec, "input '{}': expected a batch of {} as in the inputs before, got {}",
                  tensor.name, batch, own)
        .error();
  batch = own;
  return {};
}

Status ApplyReshape(const ModelSpec& spec, const TensorSpec& input, Tensor& tensor) {
  const auto reshape = spec.reshape.find(input.name);
  if (reshape == spec.reshape.end()) return {};
  const size_t skip = spec.max_batch_size > 0 ? 1 : 0;
  auto shape = Reshaped(input.dims, std::span(tensor.shape).subspan(skip), reshape->second);
  if (!shape)
    return Refuse(spec, "input '{}': its reshape fails: {}", input.name, shape.error().message())
        .error();
  if (skip == 1) shape->insert(shape->begin(), tensor.shape.front());
  tensor.shape = std::move(*shape);
  return {};
}

// FNV-1a over numbers.
void Mix(uint64_t& hash, uint64_t value) {
  for (int byte = 0; byte < 8; ++byte) {
    hash ^= (value >> (8 * byte)) & 0xff;
    hash *= 0x100000001b3;
  }
}

void MixTensor(uint64_t& hash, size_t index, const Tensor& tensor, bool batched) {
  Mix(hash, index);
  for (size_t i = batched ? 1 : 0; i < tensor.shape.size(); ++i)
    Mix(hash, static_cast<uint64_t>(tensor.shape[i]));
}

Status CheckOne(const ModelSpec& spec, size_t index, Tensor tensor, CheckedInputs& checked,
                int64_t& batch) {
  const TensorSpec& input = spec.inputs[index];
  const bool batched = spec.max_batch_size > 0;
  SARAI_CHECK_OK(CheckTensor(spec, input, tensor));
  if (batched) SARAI_CHECK_OK(CheckBatch(spec, tensor, batch));
  SARAI_CHECK_OK(ApplyReshape(spec, input, tensor));
  if (input.ragged)
    Mix(checked.shape_key, index);  // any shapes go together
  else
    MixTensor(checked.shape_key, index, tensor, batched);
  checked.tensors.push_back(std::move(tensor));
  return {};
}

}  // namespace

Result<CheckedInputs> CheckRequest(const ModelSpec& spec, InferRequest& request) {
  SARAI_CHECK_OK(CheckOutputs(spec, request.outputs));
  std::vector<Tensor> given = std::move(request.inputs);
  if (request.raw_input) {
    if (given.size() != 1)
      return Refuse(spec, "raw input: expected one body, got {}", given.size());
    SARAI_TRY(given.front(), ResolveRawInput(spec, given.front().data));
  }
  SARAI_CHECK_OK(CheckNames(spec, given));
  SARAI_CHECK_OK(CheckNoneMissing(spec, given));

  CheckedInputs checked{.shape_key = 0xcbf29ce484222325};
  int64_t batch = 0;  // not known yet
  for (size_t i = 0; i < spec.inputs.size(); ++i) {
    const auto tensor = std::ranges::find(given, spec.inputs[i].name, &Tensor::name);
    if (tensor != given.end())
      SARAI_CHECK_OK(CheckOne(spec, i, std::move(*tensor), checked, batch));
  }
  checked.batch = std::max<int64_t>(batch, 1);
  return checked;
}

}  // namespace sarai::engine
