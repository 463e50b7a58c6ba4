#include "engine/batch.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <new>

#include "engine/ragged.h"
#include "engine/reshape.h"

namespace sarai::engine {
namespace {

constexpr std::align_val_t kAlignment{64};  // what vectorised kernels like best

struct FreeAligned {
  void operator()(std::byte* bytes) const { ::operator delete[](bytes, kAlignment); }
};

// --- joining -------------------------------------------------------------------------------------

bool SameButFirstDim(const Tensor& a, const Tensor& b) {
  return a.name == b.name && a.type == b.type && a.shape.size() == b.shape.size() &&
         !a.shape.empty() && std::equal(a.shape.begin() + 1, a.shape.end(), b.shape.begin() + 1);
}

bool BelongTogether(const ModelSpec& spec, const PendingRequest& a, const PendingRequest& b) {
  return std::ranges::equal(a.inputs, b.inputs, [&](const Tensor& one, const Tensor& other) {
    if (one.name == other.name && IsRagged(spec, one.name)) return one.type == other.type;
    return SameButFirstDim(one, other);
  });
}

Shape Flat(const Shape& shape) { return {ElementCount(shape).value_or(0)}; }

Result<Tensor> JoinOne(std::span<const Pending> batch, size_t index, bool ragged) {
  Tensor joined = batch.front()->inputs[index];
  size_t size = 0;
  if (ragged) joined.shape = Flat(joined.shape);
  joined.shape[0] = 0;
  for (const Pending& pending : batch) {
    const Shape& shape = pending->inputs[index].shape;
    joined.shape[0] += ragged ? Flat(shape)[0] : shape[0];
    size += pending->inputs[index].data.size();
  }
  auto* memory = static_cast<std::byte*>(
      ::operator new[](std::max<size_t>(size, 1), kAlignment, std::nothrow));
  if (memory == nullptr)
    return Error(Code::kResourceExhausted, "no memory for a batch: input '{}' needs {} bytes",
                 joined.name, size);
  std::shared_ptr<std::byte> owner(memory, FreeAligned{});
  for (const Pending& pending : batch) {
    const Blob& part = pending->inputs[index].data;
    if (!part.empty()) std::memcpy(memory, part.data(), part.size());
    memory += part.size();
  }
  std::span<const std::byte> bytes(owner.get(), size);
  joined.data = Blob(std::move(owner), bytes);
  return joined;
}

// --- splitting -----------------------------------------------------------------------------------

template <typename... Args>
std::unexpected<Status> Misfit(const ModelSpec& spec, const Tensor& output,
                               fmt::format_string<Args...> format, Args&&... args) {
  return Error(Code::kInternal, "model '{}' answered output '{}' {}", spec.name, output.name,
               fmt::format(format, std::forward<Args>(args)...));
}

const TensorSpec* FindSpec(const ModelSpec& spec, std::string_view name) {
  const auto found = std::ranges::find(spec.outputs, name, &TensorSpec::name);
  return found == spec.outputs.end() ? nullptr : &*found;
}

std::span<const SequenceState> StatesOf(const ModelSpec& spec) {
  if (!spec.sequence) return {};
  return spec.sequence->states;
}

const SequenceState* FindState(const ModelSpec& spec, std::string_view output) {
  const auto states = StatesOf(spec);
  const auto found = std::ranges::find(states, output, &SequenceState::output);
  return found == states.end() ? nullptr : &*found;
}

int64_t TotalBatch(std::span<const Pending> batch) {
  int64_t total = 0;
  for (const Pending& pending : batch) total += pending->batch;
  return total;
}

Status CheckOutput(const ModelSpec& spec, const Tensor& output, int64_t total) {
  const TensorSpec* expected = FindSpec(spec, output.name);
  if (output.type == DataType::kInvalid || (expected != nullptr && expected->type != output.type))
    return Misfit(spec, output, "with type {}, expected {}", DataTypeName(output.type),
                  expected == nullptr ? "a known one" : DataTypeName(expected->type))
        .error();
  if (spec.max_batch_size > 0 && (output.shape.empty() || output.shape.front() != total))
    return Misfit(spec, output, "with shape {}, expected a first dimension of {} (the batch)",
                  ShapeText(output.shape), total)
        .error();
  if (const Status bytes = CheckTensorBytes(output); !bytes.ok())
    return Misfit(spec, output, "with bytes that do not fit: {}", bytes.message()).error();
  return {};
}

// From the framework's shape to the one the model's users know.
Status UndoReshape(const ModelSpec& spec, Tensor& output) {
  const auto reshape = spec.reshape.find(output.name);
  const TensorSpec* expected = FindSpec(spec, output.name);
  if (reshape == spec.reshape.end() || expected == nullptr) return {};
  const size_t skip = spec.max_batch_size > 0 ? 1 : 0;
  auto shape = Reshaped(reshape->second, std::span(output.shape).subspan(skip), expected->dims);
  if (!shape)
    return Misfit(spec, output, "whose reshape fails: {}", shape.error().message()).error();
  if (skip == 1) shape->insert(shape->begin(), output.shape.front());
  output.shape = std::move(*shape);
  return {};
}

// Bytes that the next `elements` elements of a BYTES tensor take. The data was checked before.
size_t BytesOfElements(std::span<const std::byte> data, int64_t elements) {
  size_t at = 0;
  for (; elements > 0; --elements) {
    uint32_t length = 0;
    std::memcpy(&length, data.data() + at, sizeof(length));
    at += sizeof(length) + length;
  }
  return at;
}

// One output cut at the requests' borders.
std::vector<Tensor> Cut(const Tensor& output, std::span<const Pending> batch) {
  if (batch.size() == 1) return {output};
  Shape row_shape(output.shape.begin() + 1, output.shape.end());
  const int64_t row = ElementCount(row_shape).value_or(0);
  const size_t element_size = ElementSize(output.type);
  std::vector<Tensor> parts;
  parts.reserve(batch.size());
  size_t at = 0;
  for (const Pending& pending : batch) {
    const int64_t elements = row * pending->batch;
    const size_t size = output.type == DataType::kBytes
                            ? BytesOfElements(output.data.bytes().subspan(at), elements)
                            : static_cast<size_t>(elements) * element_size;
    Tensor part{output.name, output.type, output.shape, output.data.Slice(at, size)};
    part.shape.front() = pending->batch;
    parts.push_back(std::move(part));
    at += size;
  }
  return parts;
}

// By output name: one part per request.
using Parts = std::map<std::string, std::vector<Tensor>, std::less<>>;

std::vector<std::string> OutputsFor(const ModelSpec& spec, const InferRequest& request,
                                    const std::vector<Tensor>& all) {
  std::vector<std::string> names;
  names.reserve(std::max({request.outputs.size(), spec.outputs.size(), all.size()}));
  for (const RequestedOutput& output : request.outputs) names.push_back(output.name);
  if (!names.empty()) return names;
  for (const TensorSpec& output : spec.outputs) names.push_back(output.name);
  if (!names.empty()) return names;
  for (const Tensor& output : all) names.push_back(output.name);
  return names;
}

Result<Parts> CutAll(const ModelSpec& spec, std::vector<Tensor>& outputs,
                     std::span<const Pending> batch) {
  const int64_t total = TotalBatch(batch);
  Parts parts;
  for (Tensor& output : outputs) {
    if (!spec.outputs.empty() && FindSpec(spec, output.name) == nullptr &&
        FindState(spec, output.name) == nullptr)
      continue;  // unasked for
    if (const std::string_view source = ScatterSource(spec, output.name); !source.empty()) {
      SARAI_TRY(parts[output.name], Scatter(spec, output, source, batch));
      continue;
    }
    SARAI_CHECK_OK(CheckOutput(spec, output, total));
    SARAI_CHECK_OK(UndoReshape(spec, output));
    parts[output.name] = Cut(output, batch);
  }
  return parts;
}

// What each row's sequence goes on with.
Status KeepStates(const ModelSpec& spec, const Parts& parts, std::span<const Pending> batch) {
  for (const SequenceState& state : StatesOf(spec)) {
    const auto part = parts.find(state.output);
    if (part == parts.end())
      return MakeStatus(Code::kInternal, "model '{}' did not answer the output '{}' of its state",
                        spec.name, state.output);
    for (size_t i = 0; i < batch.size(); ++i) batch[i]->new_states.push_back(part->second[i]);
  }
  return {};
}

}  // namespace

Result<std::vector<Tensor>> JoinInputs(std::span<const Pending> batch) {
  return JoinInputs(ModelSpec{}, batch);
}

Result<std::vector<Tensor>> JoinInputs(const ModelSpec& spec, std::span<const Pending> batch) {
  const bool ragged = std::ranges::any_of(spec.inputs, &TensorSpec::ragged);
  if (batch.size() == 1 && !ragged && spec.batch_inputs.empty()) return batch.front()->inputs;
  for (const Pending& pending : batch)
    if (!BelongTogether(spec, *batch.front(), *pending))
      return Error(Code::kInternal, "requests of different shapes were put into one batch");
  std::vector<Tensor> joined;
  for (size_t i = 0; i < batch.front()->inputs.size(); ++i) {
    const bool flat = ragged && IsRagged(spec, batch.front()->inputs[i].name);
    SARAI_TRY(Tensor tensor, JoinOne(batch, i, flat));
    joined.push_back(std::move(tensor));
  }
  SARAI_TRY(std::vector<Tensor> made, MakeBatchInputs(spec, batch));
  std::ranges::move(made, std::back_inserter(joined));
  return joined;
}

std::vector<std::string> WantedOutputs(const ModelSpec& spec, std::span<const Pending> batch) {
  std::vector<std::string> wanted;
  const auto want = [&](const std::string& name) {
    if (std::ranges::find(wanted, name) == wanted.end()) wanted.push_back(name);
  };
  const bool all = std::ranges::any_of(batch, [](const Pending& pending) {
    return !pending->null_row && pending->request.outputs.empty();
  });
  const auto states = StatesOf(spec);
  if (all && states.empty()) return {};
  for (const TensorSpec& output : spec.outputs)
    if (all) want(output.name);
  for (const Pending& pending : batch)
    for (const RequestedOutput& output : pending->request.outputs) want(output.name);
  for (const SequenceState& state : states) want(state.output);
  return wanted;
}

Result<std::vector<std::vector<Tensor>>> SplitOutputs(const ModelSpec& spec,
                                                      std::vector<Tensor> outputs,
                                                      std::span<const Pending> batch) {
  SARAI_TRY(const Parts parts, CutAll(spec, outputs, batch));
  std::vector<std::vector<Tensor>> answers(batch.size());
  SARAI_CHECK_OK(KeepStates(spec, parts, batch));
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch[i]->null_row) continue;
    for (const std::string& name : OutputsFor(spec, batch[i]->request, outputs)) {
      const auto part = parts.find(name);
      if (part == parts.end())
        return Error(Code::kInternal, "model '{}' did not answer its output '{}'", spec.name, name);
      answers[i].push_back(part->second[i]);
    }
  }
  return answers;
}

Result<std::vector<Tensor>> CheckResponse(const ModelSpec& spec, std::vector<Tensor> outputs,
                                          const PendingRequest& request) {
  std::vector<Tensor> response;
  for (const std::string& name : OutputsFor(spec, request.request, outputs)) {
    const auto output = std::ranges::find(outputs, name, &Tensor::name);
    if (output == outputs.end()) continue;
    SARAI_CHECK_OK(CheckOutput(spec, *output, request.batch));
    SARAI_CHECK_OK(UndoReshape(spec, *output));
    response.push_back(std::move(*output));
  }
  return response;
}

Result<std::vector<Tensor>> NextStates(const ModelSpec& spec,
                                       std::map<std::string, Tensor, std::less<>> given,
                                       const PendingRequest& request) {
  const auto states = StatesOf(spec);
  const auto before = std::span(request.inputs).last(states.size());
  std::vector<Tensor> next;
  for (size_t i = 0; i < states.size(); ++i) {
    const auto output = given.find(states[i].output);
    if (output == given.end()) {
      next.push_back(before[i]);
      continue;
    }
    SARAI_CHECK_OK(CheckOutput(spec, output->second, request.batch));
    if (output->second.type != states[i].type)
      return Misfit(spec, output->second, "with type {}, its state has {}",
                    DataTypeName(output->second.type), DataTypeName(states[i].type));
    next.push_back(std::move(output->second));
  }
  return next;
}

}  // namespace sarai::engine
