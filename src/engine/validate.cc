#include "engine/validate.h"

#include <algorithm>
#include <tuple>

#include "engine/raw_input.h"
#include "engine/reshape.h"

namespace sarai::engine {
namespace {

// Messages begin as Triton's do, where clients and their tests look for those; and go on to say
// what was expected.
template <typename... Args>
Status Refuse(fmt::format_string<Args...> format, Args&&... args) {
  return Status(Code::kInvalidArgument, fmt::format(format, std::forward<Args>(args)...));
}

// "'a','b'"
std::string NameList(const auto& items, std::string_view separator = ",") {
  std::string text;
  for (const auto& item : items)
    text += fmt::format("{}'{}'", text.empty() ? "" : separator, item.name);
  return text;
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
      return Refuse(
          "unexpected inference input '{}' for model '{}': the server fills it from the request's "
          "sequence_id, sequence_start and sequence_end, or from the request before",
          tensor->name, spec.name);
    if (FindByName(spec.inputs, tensor->name) == nullptr)
      return Refuse("unexpected inference input '{}' for model '{}': its inputs are {}",
                    tensor->name, spec.name, NameList(spec.inputs, ", "));
    if (std::find_if(inputs.begin(), tensor,
                     [&](const Tensor& t) { return t.name == tensor->name; }) != tensor)
      return Refuse("input '{}' already exists in request", tensor->name);
  }
  return {};
}

Status CheckNoneMissing(const ModelSpec& spec, const std::vector<Tensor>& inputs) {
  std::vector<TensorSpec> missing;
  for (const TensorSpec& input : spec.inputs)
    if (!input.optional && FindByName(inputs, input.name) == nullptr) missing.push_back(input);
  if (missing.empty()) return {};
  const size_t all = spec.inputs.size();
  const auto optional =
      static_cast<size_t>(std::ranges::count(spec.inputs, true, &TensorSpec::optional));
  const std::string wanted =
      optional == 0 ? fmt::format("{} inputs", all)
                    : fmt::format("number of inputs between {} and {}", all - optional, all);
  return Refuse(
      "expected {} but got {} inputs for model '{}'. Got input(s) [{}], but missing required "
      "input(s) [{}]. Please provide all required input(s).",
      wanted, inputs.size(), spec.name, NameList(inputs), NameList(missing));
}

Status CheckOutputs(const ModelSpec& spec, const std::vector<RequestedOutput>& outputs) {
  for (auto output = outputs.begin(); output != outputs.end(); ++output) {
    if (!spec.outputs.empty() && FindByName(spec.outputs, output->name) == nullptr)
      return Refuse("unexpected inference output '{}' for model '{}': its outputs are {}",
                    output->name, spec.name, NameList(spec.outputs, ", "));
    if (std::find_if(outputs.begin(), output,
                     [&](const RequestedOutput& o) { return o.name == output->name; }) != output)
      return Refuse("output '{}' already exists in request", output->name);
  }
  return {};
}

// The dims as a client writes them: the batch dimension included.
Shape FullDims(const ModelSpec& spec, const TensorSpec& input) {
  Shape dims = input.dims;
  if (spec.max_batch_size > 0) dims.insert(dims.begin(), -1);
  return dims;
}

Status CheckBytes(const ModelSpec& spec, const Tensor& tensor) {
  const Status bytes = CheckTensorBytes(tensor);
  if (bytes.ok()) return bytes;
  const size_t element = ElementSize(tensor.type);
  const auto count = ElementCount(tensor.shape);
  if (element == 0 || !count) return bytes.WithContext(fmt::format("model '{}'", spec.name));
  return Refuse(
      "input byte size mismatch for input '{}' for model '{}'. Expected {}, got {}: the data of "
      "{} of shape {}",
      tensor.name, spec.name, static_cast<uint64_t>(*count) * element, tensor.data.size(),
      DataTypeName(tensor.type), ShapeText(tensor.shape));
}

Status CheckTensor(const ModelSpec& spec, const TensorSpec& input, const Tensor& tensor) {
  if (tensor.type != input.type || tensor.type == DataType::kInvalid)
    return Refuse("inference input '{}' data-type is '{}', but model '{}' expects '{}'", input.name,
                  DataTypeName(tensor.type), spec.name, DataTypeName(input.type));
  if (const Shape dims = FullDims(spec, input); !FitsDims(dims, tensor.shape))
    return Refuse("unexpected shape for input '{}' for model '{}'. Expected {}, got {}{}",
                  input.name, spec.name, ShapeText(dims), ShapeText(tensor.shape),
                  spec.max_batch_size > 0 ? ". The first dimension counts the batch's items" : "");
  return CheckBytes(spec, tensor);
}

Status CheckBatch(const ModelSpec& spec, const Tensor& tensor, int64_t& batch) {
  const int64_t own = tensor.shape.front();
  if (own < 1 || own > spec.max_batch_size)
    return Refuse(
        "inference request batch-size must be <= {} for '{}' and 1 at least, but input '{}' has {}",
        spec.max_batch_size, spec.name, tensor.name, own);
  if (batch != 0 && batch != own)
    return Refuse("input '{}' batch size does not match other inputs for '{}': it is {}, not {}",
                  tensor.name, spec.name, own, batch);
  batch = own;
  return {};
}

Status ApplyReshape(const ModelSpec& spec, const TensorSpec& input, Tensor& tensor) {
  const auto reshape = spec.reshape.find(input.name);
  if (reshape == spec.reshape.end()) return {};
  const size_t skip = spec.max_batch_size > 0 ? 1 : 0;
  auto shape = Reshaped(input.dims, std::span(tensor.shape).subspan(skip), reshape->second);
  if (!shape)
    return Refuse("input '{}' for model '{}': its reshape fails: {}", input.name, spec.name,
                  shape.error().message());
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
      return Error(
          Refuse("a raw request for model '{}' has one body, not {}", spec.name, given.size()));
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
