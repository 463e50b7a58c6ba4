#include "engine/warmup.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <filesystem>
#include <future>
#include <memory>
#include <new>

#include "engine/model_directory.h"
#include "engine/sequence/rows.h"
#include "engine/validate.h"

namespace sarai::engine {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMaxFileBytes = 1ull << 30;
constexpr uint64_t kMaxTensorBytes = 8ull << 30;
constexpr uint64_t kMaxIndexValue = 99;  // of random integers

// A small, reproducible generator (xorshift64*).
class Random {
 public:
  explicit Random(std::string_view seed) {
    for (const char c : seed) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  }
  uint64_t Next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

 private:
  uint64_t state_ = 0xcbf29ce484222325;
};

// The upper half of a float is a BF16; a FP16 in [0,1) is made from its own bits.
uint16_t Bf16Bits(float value) {
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16);
}
uint16_t Fp16Bits(double value) {
  return static_cast<uint16_t>(value * 0x3c00);  // monotone over [0,1): 0x3c00 is 1.0
}

template <typename T>
void Store(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof(value));
}

void StoreRandom(std::byte* at, DataType type, Random& random) {
  const uint64_t whole = random.Next() % (kMaxIndexValue + 1);
  switch (type) {
    case DataType::kBool: return Store<uint8_t>(at, whole & 1);
    case DataType::kFp16: return Store(at, Fp16Bits(random.Uniform()));
    case DataType::kBf16: return Store(at, Bf16Bits(static_cast<float>(random.Uniform())));
    case DataType::kFp32: return Store(at, static_cast<float>(random.Uniform()));
    case DataType::kFp64: return Store(at, random.Uniform());
    default: std::memcpy(at, &whole, ElementSize(type));  // integers, little-endian
  }
}

Result<Blob> Allocate(uint64_t size) {
  if (size > kMaxTensorBytes)
    return Error(Code::kInvalidArgument, "{} bytes are more than a warm-up may use ({})", size,
                 kMaxTensorBytes);
  std::shared_ptr<std::byte[]> bytes(new (std::nothrow) std::byte[size]());
  if (bytes == nullptr) return Error(Code::kResourceExhausted, "no memory for {} bytes", size);
  std::span<const std::byte> view(bytes.get(), size);
  return Blob(std::move(bytes), view);
}

Result<Blob> RandomNumbers(DataType type, int64_t count, Random& random) {
  const size_t size = ElementSize(type);
  SARAI_TRY(Blob blob, Allocate(static_cast<uint64_t>(count) * size));
  auto* const bytes = const_cast<std::byte*>(blob.data());  // ours alone until it is returned
  for (int64_t i = 0; i < count; ++i)
    StoreRandom(bytes + i * static_cast<int64_t>(size), type, random);
  return blob;
}

// Zero elements are empty, random ones a number as text.
Result<Blob> Strings(const WarmupInput& input, int64_t count, Random& random) {
  if (static_cast<uint64_t>(count) > kMaxTensorBytes / 32)
    return Error(Code::kInvalidArgument, "{} strings are more than a warm-up may use", count);
  std::vector<std::string> texts(static_cast<size_t>(count));
  if (input.source == WarmupInput::Source::kRandom)
    for (std::string& text : texts) text = std::to_string(random.Next() % (kMaxIndexValue + 1));
  const std::vector<std::string_view> elements(texts.begin(), texts.end());
  return Blob::FromVector(EncodeBytesElements(elements));
}

// The file holds one item, repeated over the batch, or the whole batch. Checked with the request.
Result<Blob> FromFile(const ModelSpec& spec, const WarmupInput& input, int64_t batch,
                      uint64_t whole_size) {
  const fs::path relative(input.file);
  for (const fs::path& part : relative)
    if (relative.is_absolute() || part == "..")
      return Error(Code::kInvalidArgument, "file '{}' is not below the model's warmup/",
                   input.file);
  SARAI_TRY(std::string item,
            ReadSmallFile(fs::path(spec.directory) / "warmup" / relative, kMaxFileBytes));
  const bool whole = input.type != DataType::kBytes && item.size() == whole_size;
  if (whole || batch == 1) return Blob::FromString(std::move(item));
  if (item.size() > kMaxTensorBytes / static_cast<uint64_t>(batch))
    return Error(Code::kInvalidArgument, "file '{}' is too large for a batch of {}", input.file,
                 batch);
  std::string all;
  for (int64_t i = 0; i < batch; ++i) all += item;
  return Blob::FromString(std::move(all));
}

Result<Tensor> MakeTensor(const ModelSpec& spec, const WarmupSample& sample,
                          const WarmupInput& input) {
  Tensor tensor{input.name, input.type, input.dims, {}};
  const int64_t batch = spec.max_batch_size > 0 ? int64_t{sample.batch_size} : 1;
  if (spec.max_batch_size > 0) tensor.shape.insert(tensor.shape.begin(), batch);
  SARAI_TRY(const int64_t count, ElementCount(tensor.shape));
  if (static_cast<uint64_t>(count) > kMaxTensorBytes)
    return Error(Code::kInvalidArgument, "shape {} is larger than a warm-up may use",
                 ShapeText(tensor.shape));
  const uint64_t size = static_cast<uint64_t>(count) * ElementSize(input.type);
  Random random(sample.name + '\n' + input.name);
  auto data = input.source == WarmupInput::Source::kFile ? FromFile(spec, input, batch, size)
              : input.type == DataType::kBytes           ? Strings(input, count, random)
              : input.source == WarmupInput::Source::kZero
                  ? Allocate(size)
                  : RandomNumbers(input.type, count, random);
  if (!data) return Error(data.error().WithContext(fmt::format("input '{}'", input.name)));
  tensor.data = std::move(*data);
  return tensor;
}

Status RunOnce(backends::BackendModel& model, const std::vector<Tensor>& inputs,
               std::vector<backends::IterationRow> rows) {
  backends::ExecuteContext context;
  context.iteration = rows;
  const auto outputs = model.Execute(inputs, context);
  return outputs ? Status() : outputs.error();
}

// Of a decoupled model: until its last response.
Status RunToTheEnd(backends::BackendModel& model, const std::vector<Tensor>& inputs) {
  auto end = std::make_shared<std::promise<Status>>();
  auto ended = end->get_future();
  SARAI_CHECK_OK(model.ExecuteDecoupled(
      inputs, {}, [end](const Result<std::vector<Tensor>>& outputs, bool final) {
        if (final) end->set_value(outputs ? Status() : outputs.error());
      }));
  return ended.get();
}

bool IsOwn(const ModelSpec& spec, const WarmupInput& input) {
  return !spec.sequence ||
         std::ranges::find(spec.inputs, input.name, &TensorSpec::name) != spec.inputs.end();
}

Status RunSample(const ModelSpec& spec, const WarmupSample& sample,
                 std::span<const Tensor> initial_states, backends::BackendModel& model) {
  InferRequest request;
  for (const WarmupInput& input : sample.inputs) {
    if (!IsOwn(spec, input)) continue;
    SARAI_TRY(Tensor tensor, MakeTensor(spec, sample, input));
    request.inputs.push_back(std::move(tensor));
  }
  SARAI_TRY(CheckedInputs checked, CheckRequest(spec, request));
  AddControls(spec, {.start = true}, CorrelationId(uint64_t{1}), checked.batch, checked.tensors);
  for (const Tensor& state : initial_states) {
    // Models without a batch dimension have one row, whose first dimension is the state's own.
    checked.tensors.push_back(checked.batch == 1 ? state : Repeated(state, checked.batch));
  }
  const bool iterative = spec.sequence && spec.sequence->iterative;
  const std::vector<backends::IterationRow> rows(iterative ? checked.batch : 0);
  for (uint32_t run = 0; run < std::max(sample.count, 1u); ++run) {
    SARAI_CHECK_OK(spec.decoupled && !iterative ? RunToTheEnd(model, checked.tensors)
                                                : RunOnce(model, checked.tensors, rows));
  }
  return {};
}

}  // namespace

Status WarmUp(const ModelSpec& spec, std::span<const Tensor> initial_states,
              backends::BackendModel& model) {
  for (const WarmupSample& sample : spec.warmup) {
    if (sample.batch_size == 0) continue;
    if (const Status ran = RunSample(spec, sample, initial_states, model); !ran.ok())
      return ran.WithContext(fmt::format("warm-up '{}'", sample.name));
  }
  return {};
}

}  // namespace sarai::engine
