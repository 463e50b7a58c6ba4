#include "backends/pytorch/script_values.h"

#include <ATen/ATen.h>

#include <array>
#include <memory>
#include <utility>

namespace sarai::backends::torchscript {
namespace {

constexpr std::array<std::pair<DataType, at::ScalarType>, 13> kTypes = {{
    {DataType::kBool, at::kBool},
    {DataType::kUint8, at::kByte},
    {DataType::kUint16, at::kUInt16},
    {DataType::kUint32, at::kUInt32},
    {DataType::kUint64, at::kUInt64},
    {DataType::kInt8, at::kChar},
    {DataType::kInt16, at::kShort},
    {DataType::kInt32, at::kInt},
    {DataType::kInt64, at::kLong},
    {DataType::kFp16, at::kHalf},
    {DataType::kFp32, at::kFloat},
    {DataType::kFp64, at::kDouble},
    {DataType::kBf16, at::kBFloat16},
}};

Result<at::ScalarType> ToTorchType(DataType type) {
  for (const auto& [ours, theirs] : kTypes)
    if (ours == type) return theirs;
  return Error(Code::kInvalidArgument, "{} is no tensor type of PyTorch", DataTypeName(type));
}

Result<DataType> FromTorchType(at::ScalarType type) {
  for (const auto& [ours, theirs] : kTypes)
    if (theirs == type) return ours;
  return Error(Code::kUnimplemented,
               "the model returned a tensor of type {}, which the protocols "
               "cannot carry",
               c10::toString(type));
}

Result<at::Tensor> ToTensor(const Tensor& tensor, const Shape& shape, bool copy) {
  SARAI_TRY(const at::ScalarType type, ToTorchType(tensor.type));
  const auto options = at::TensorOptions().dtype(type);
  if (tensor.data.empty()) return at::empty(shape, options);
  // The framework takes a plain pointer; a graph that writes to its arguments gets a copy.
  auto* bytes = const_cast<std::byte*>(tensor.data.data());
  if (copy) return at::from_blob(bytes, shape, options).clone();
  return at::from_blob(bytes, shape, [keep = tensor.data](void*) {}, options);
}

Result<c10::List<std::string>> ToStrings(const Tensor& tensor) {
  SARAI_TRY(const auto elements, BytesElements(tensor.data.bytes()));
  c10::List<std::string> list;
  list.reserve(elements.size());
  for (const std::string_view element : elements) list.push_back(std::string(element));
  return list;
}

template <typename T>
Result<c10::List<T>> ToScalars(const Tensor& tensor, at::ScalarType as) {
  SARAI_TRY(const at::Tensor values, ToTensor(tensor, tensor.shape, false));
  const at::Tensor flat = values.to(as).reshape({-1}).contiguous();
  c10::List<T> list;
  list.reserve(static_cast<size_t>(flat.numel()));
  for (int64_t i = 0; i < flat.numel(); ++i) list.push_back(flat.const_data_ptr<T>()[i]);
  return list;
}

template <typename List>
Result<c10::IValue> OnlyElement(const std::string& name, const Result<List>& list) {
  if (!list) return Error(list.error());
  if (list->size() == 1) return c10::IValue(list->get(0));
  return Error(Code::kInvalidArgument,
               "input '{}' has {} elements, but forward() takes one value there", name,
               list->size());
}

template <typename List>
Result<c10::IValue> AsValue(const Result<List>& list) {
  if (!list) return Error(list.error());
  return c10::IValue(*list);
}

std::optional<ArgumentKind> KindOfType(const c10::Type& type) {
  switch (type.kind()) {
    case c10::TypeKind::TensorType:
    case c10::TypeKind::AnyType: return ArgumentKind::kTensor;
    case c10::TypeKind::StringType: return ArgumentKind::kString;
    case c10::TypeKind::IntType: return ArgumentKind::kInt;
    case c10::TypeKind::FloatType: return ArgumentKind::kFloat;
    case c10::TypeKind::BoolType: return ArgumentKind::kBool;
    case c10::TypeKind::OptionalType:
      return KindOfType(*type.expectRef<c10::OptionalType>().getElementType());
    default: return std::nullopt;
  }
}

std::optional<ArgumentKind> KindOfList(const c10::ListType& list) {
  switch (list.getElementType()->kind()) {
    case c10::TypeKind::StringType: return ArgumentKind::kStrings;
    case c10::TypeKind::IntType: return ArgumentKind::kInts;
    case c10::TypeKind::FloatType: return ArgumentKind::kFloats;
    case c10::TypeKind::BoolType: return ArgumentKind::kBools;
    default: return std::nullopt;
  }
}

Tensor Strings(const TensorSpec& wanted, const std::vector<std::string_view>& elements,
               bool batches) {
  const auto count = static_cast<int64_t>(elements.size());
  return Tensor{.name = wanted.name,
                .type = DataType::kBytes,
                .shape = batches ? Shape{count, 1} : Shape{count},
                .data = Blob::FromVector(EncodeBytesElements(elements))};
}

Tensor StringsOf(const c10::IValue& value, const TensorSpec& wanted, bool batches) {
  if (value.isString()) return Strings(wanted, {value.toStringRef()}, batches);
  std::vector<std::string_view> elements;
  for (const c10::IValue& element : value.toListRef()) elements.push_back(element.toStringRef());
  return Strings(wanted, elements, batches);
}

bool IsStrings(const c10::IValue& value) {
  return value.isString() ||
         (value.isList() && value.toList().elementType()->kind() == c10::TypeKind::StringType);
}

// Numbers outside tensors have no width of their own: they take the type that the config promises.
std::optional<at::Tensor> NumbersOf(const c10::IValue& value) {
  if (value.isInt() || value.isDouble() || value.isBool())
    return at::scalar_tensor(value.toScalar(), value.isInt()    ? at::kLong
                                               : value.isBool() ? at::kBool
                                                                : at::kDouble);
  if (value.isIntList()) return at::tensor(value.toIntVector(), at::kLong);
  if (value.isDoubleList()) return at::tensor(value.toDoubleVector(), at::kDouble);
  if (!value.isBoolList()) return std::nullopt;
  const auto flags = value.toBoolList();
  at::Tensor tensor = at::empty({static_cast<int64_t>(flags.size())}, at::kBool);
  for (size_t i = 0; i < flags.size(); ++i) tensor.mutable_data_ptr<bool>()[i] = flags[i];
  return tensor;
}

Result<Tensor> Share(at::Tensor value, const TensorSpec& wanted) {
  if (value.layout() != at::kStrided || value.is_quantized())
    return Error(Code::kUnimplemented,
                 "output '{}' is a sparse or quantised tensor; only dense ones can be served",
                 wanted.name);
  SARAI_TRY(const DataType type, FromTorchType(value.scalar_type()));
  if (wanted.type != DataType::kInvalid && type != wanted.type)
    return Error(Code::kInvalidArgument,
                 "the model returns {} for output '{}', but the config says {}", DataTypeName(type),
                 wanted.name, DataTypeName(wanted.type));
  auto dense = std::make_shared<const at::Tensor>(
      value.detach().to(at::kCPU).resolve_conj().resolve_neg().contiguous());
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(dense->const_data_ptr()),
                                         dense->nbytes());
  return Tensor{
      .name = wanted.name, .type = type, .shape = dense->sizes().vec(), .data = Blob(dense, bytes)};
}

Result<Tensor> ShareNumbers(const at::Tensor& numbers, const TensorSpec& wanted, bool batches) {
  at::Tensor value = numbers;
  if (wanted.type != DataType::kInvalid) {
    SARAI_TRY(const at::ScalarType type, ToTorchType(wanted.type));
    value = value.to(type);
  }
  if (batches && value.dim() == 1) value = value.unsqueeze(1);
  return Share(std::move(value), wanted);
}

}  // namespace

Result<ArgumentKind> KindOf(const c10::Argument& argument) {
  const c10::Type& type = *argument.type();
  const auto kind = type.kind() == c10::TypeKind::ListType
                        ? KindOfList(type.expectRef<c10::ListType>())
                        : KindOfType(type);
  if (kind) return *kind;
  return Error(Code::kUnimplemented,
               "argument '{}' of forward() is a {}, which no tensor can be turned into",
               argument.name(), type.str());
}

Status CheckType(ArgumentKind kind, const TensorSpec& input) {
  const bool takes_strings = kind == ArgumentKind::kStrings || kind == ArgumentKind::kString;
  if (takes_strings == (input.type == DataType::kBytes)) return {};
  return MakeStatus(Code::kInvalidArgument, "input '{}' is {}, but forward() takes {} there",
                    input.name, DataTypeName(input.type), takes_strings ? "strings" : "numbers");
}

Result<c10::IValue> ToIValue(const Tensor& tensor, const Shape& shape, ArgumentKind kind,
                             bool copy) {
  switch (kind) {
    case ArgumentKind::kTensor: {
      SARAI_TRY(at::Tensor value, ToTensor(tensor, shape, copy));
      return c10::IValue(std::move(value));
    }
    case ArgumentKind::kStrings: return AsValue(ToStrings(tensor));
    case ArgumentKind::kString: return OnlyElement(tensor.name, ToStrings(tensor));
    case ArgumentKind::kInts: return AsValue(ToScalars<int64_t>(tensor, at::kLong));
    case ArgumentKind::kInt: return OnlyElement(tensor.name, ToScalars<int64_t>(tensor, at::kLong));
    case ArgumentKind::kFloats: return AsValue(ToScalars<double>(tensor, at::kDouble));
    case ArgumentKind::kFloat:
      return OnlyElement(tensor.name, ToScalars<double>(tensor, at::kDouble));
    case ArgumentKind::kBools: return AsValue(ToScalars<bool>(tensor, at::kBool));
    case ArgumentKind::kBool: return OnlyElement(tensor.name, ToScalars<bool>(tensor, at::kBool));
  }
  return Error(Code::kInternal, "input '{}': unknown kind of argument", tensor.name);
}

Result<Tensor> FromIValue(const c10::IValue& value, const TensorSpec& wanted, bool batches) {
  if (value.isTensor()) return Share(value.toTensor(), wanted);
  if (IsStrings(value)) return StringsOf(value, wanted, batches);
  if (const auto numbers = NumbersOf(value)) return ShareNumbers(*numbers, wanted, batches);
  return Error(Code::kUnimplemented, "the model returns a {} for output '{}', which is no tensor",
               value.tagKind(), wanted.name);
}

}  // namespace sarai::backends::torchscript
