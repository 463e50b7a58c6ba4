#include "loadgen/payload.h"

#include <algorithm>
#include <cstring>

#include "base/bytes.h"
#include "base/strings.h"
#include "loadgen/random.h"
#include "wire/json/json.h"

namespace sarai::loadgen {
namespace {

template <typename T>
void Store(std::byte* at, T value) {
  std::memcpy(at, &value, sizeof(value));
}

// A small number of that type: models index with integers and divide by floats.
void StoreRandom(std::byte* at, DataType type, Random& random) {
  const double unit = random.Unit();
  const auto small = static_cast<uint8_t>(random.Below(2));
  switch (type) {
    case DataType::kFp32: return Store(at, static_cast<float>(unit));
    case DataType::kFp64: return Store(at, unit);
    case DataType::kFp16: return Store(at, static_cast<uint16_t>(0x3800 + random.Below(0x400)));
    case DataType::kBf16: return Store(at, static_cast<uint16_t>(0x3f00 + random.Below(0x80)));
    default: *at = std::byte{small};  // little-endian: 0 or 1 of any width
  }
}

Blob MakeStrings(int64_t count, const PayloadOptions& options, Random& random) {
  std::vector<std::byte> bytes;
  const auto length = static_cast<uint32_t>(options.string_length);
  bytes.reserve(static_cast<size_t>(count) * (length + sizeof(length)));
  for (int64_t i = 0; i < count; ++i) {
    std::byte head[sizeof(length)];
    Store(head, length);
    bytes.insert(bytes.end(), head, head + sizeof(length));
    for (uint32_t c = 0; c < length; ++c)
      bytes.push_back(std::byte(options.zeros ? '0' : 'a' + random.Below(26)));
  }
  return Blob::FromVector(std::move(bytes));
}

Result<Shape> ShapeOf(const TensorSpec& input, const PayloadOptions& options) {
  const auto given = options.inputs.find(input.name);
  if (given != options.inputs.end()) return given->second.shape;
  Shape shape = input.dims;
  if (!shape.empty() && shape[0] < 0) shape[0] = options.batch;
  if (std::ranges::none_of(shape, [](int64_t dim) { return dim < 0; })) return shape;
  return Error(Code::kInvalidArgument,
               "input '{}' has the shape {}: give its variable dimensions with --shape {}:1,…",
               input.name, ShapeText(input.dims), input.name);
}

Result<Tensor> MakeTensor(const TensorSpec& input, const PayloadOptions& options, Random& random) {
  Tensor tensor{.name = input.name, .type = input.type};
  SARAI_TRY(tensor.shape, ShapeOf(input, options));
  SARAI_TRY(const int64_t count, ElementCount(tensor.shape));
  const size_t size = ElementSize(input.type);
  const size_t each = size > 0 ? size : options.string_length + sizeof(uint32_t);
  if (static_cast<uint64_t>(count) > options.max_input_bytes / each)
    return Error(Code::kInvalidArgument, "input '{}' of shape {} is larger than {}", input.name,
                 ShapeText(tensor.shape), FormatBytes(options.max_input_bytes));
  if (size == 0) {
    tensor.data = MakeStrings(count, options, random);
    return tensor;
  }
  std::vector<std::byte> bytes(static_cast<size_t>(count) * size);
  if (!options.zeros)
    for (size_t at = 0; at < bytes.size(); at += size) StoreRandom(&bytes[at], input.type, random);
  tensor.data = Blob::FromVector(std::move(bytes));
  return tensor;
}

Result<TensorSpec> ParseInput(const json::ObjectView& input) {
  TensorSpec spec;
  SARAI_TRY(spec.name, input.RequireString("name"));
  SARAI_TRY(const std::string type, input.RequireString("datatype"));
  const auto known = ParseDataTypeName(type);
  if (!known)
    return Error(Code::kInvalidArgument, "input '{}' is of the unknown type '{}'", spec.name, type);
  spec.type = *known;
  const auto* const shape = input.object().if_contains("shape");
  if (shape == nullptr || !shape->is_array())
    return Error(Code::kInvalidArgument, "input '{}' has no shape in the metadata", spec.name);
  for (const json::Value& dim : shape->get_array()) {
    // Triton writes numbers; others text.
    const auto number = dim.is_int64()    ? std::optional(dim.get_int64())
                        : dim.is_string() ? ParseInt(std::string_view(dim.get_string()))
                                          : std::nullopt;
    if (!number)
      return Error(Code::kInvalidArgument, "input '{}' has a dimension that is no whole number",
                   spec.name);
    spec.dims.push_back(*number);
  }
  return spec;
}

}  // namespace

Result<std::pair<std::string, PayloadOptions::Input>> ParseInputFlag(std::string_view text) {
  const auto bad = [text] {
    return Error(Code::kInvalidArgument, "'{}' is not NAME:1,3,224,224 or NAME:FP32:1,3,224,224",
                 text);
  };
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return bad();
  PayloadOptions::Input input;
  for (const std::string_view part : Split(text.substr(colon + 1), ',')) {
    const auto dim = ParseInt(Trim(part));
    if (!dim || *dim < 0) return bad();
    input.shape.push_back(*dim);
  }
  std::string_view name = text.substr(0, colon);
  const size_t second = name.rfind(':');
  if (second != std::string_view::npos) input.type = ParseDataTypeName(name.substr(second + 1));
  if (input.type) name = name.substr(0, second);
  return std::pair(std::string(name), std::move(input));
}

Result<Signature> ParseSignature(std::string_view metadata_json) {
  SARAI_TRY(const json::Object object, json::ParseObject(metadata_json));
  SARAI_TRY(const auto inputs, json::ObjectView(object).Children("inputs"));
  Signature signature;
  for (const json::ObjectView& input : inputs) {
    SARAI_TRY(TensorSpec spec, ParseInput(input));
    signature.push_back(std::move(spec));
  }
  if (signature.empty())
    return Error(Code::kInvalidArgument,
                 "the model's metadata names no inputs: give each with --shape NAME:TYPE:1,16");
  return signature;
}

Result<Signature> SignatureFromFlags(const PayloadOptions& options) {
  Signature signature;
  for (const auto& [name, input] : options.inputs) {
    if (!input.type)
      return Error(Code::kInvalidArgument,
                   "this server does not describe its models: give the type of input '{}' too, as "
                   "in --shape {}:FP32:{}",
                   name, name, ShapeText(input.shape));
    signature.push_back({.name = name, .type = *input.type, .dims = input.shape});
  }
  if (signature.empty())
    return Error(Code::kInvalidArgument,
                 "this server does not describe its models: give --input FILE, or each input with "
                 "--shape NAME:TYPE:1,16");
  return signature;
}

Result<InferRequest> MakeRequest(const Signature& signature, const PayloadOptions& options,
                                 uint64_t seed) {
  Random random(seed);
  InferRequest request;
  for (const TensorSpec& input : signature) {
    SARAI_TRY(Tensor tensor, MakeTensor(input, options, random));
    request.inputs.push_back(std::move(tensor));
  }
  for (const auto& [name, input] : options.inputs)
    if (std::ranges::none_of(signature, [&](const TensorSpec& s) { return s.name == name; }))
      return Error(Code::kInvalidArgument, "--shape names '{}', which is no input of the model",
                   name);
  return request;
}

}  // namespace sarai::loadgen
