#include "backends/onnxruntime/ort_signature.h"

#include <algorithm>
#include <string>

#include "backends/onnxruntime/ort_types.h"

namespace sarai::backends::ort {
namespace {

// ORT's three parallel groups of functions for inputs, optional inputs and outputs.
struct Group {
  const char* what;
  bool optional;
  decltype(OrtApi::SessionGetInputCount) count;
  decltype(OrtApi::SessionGetInputName) name;
  decltype(OrtApi::SessionGetInputTypeInfo) type_info;
};

std::string_view KindName(ONNXType kind) {
  switch (kind) {
    case ONNX_TYPE_SEQUENCE: return "a sequence";
    case ONNX_TYPE_MAP: return "a map";
    case ONNX_TYPE_OPAQUE: return "an opaque value";
    case ONNX_TYPE_SPARSETENSOR: return "a sparse tensor";
    case ONNX_TYPE_OPTIONAL: return "an optional value";
    default: return "no tensor";
  }
}

// ORT reports unnamed and symbolic dimensions as -1 (or, in old models, 0 for unknown: kept).
Status ReadTensorInfo(const OrtApi& api, const OrtTensorTypeAndShapeInfo* info, const char* what,
                      TensorSpec& spec) {
  ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
  SARAI_CHECK_OK(ToStatus(api, api.GetTensorElementType(info, &element), During::kLoad));
  spec.type = FromOnnxType(element);
  if (spec.type == DataType::kInvalid)
    return MakeStatus(Code::kUnimplemented,
                      "{} '{}' has ONNX element type {}, which the protocols cannot carry", what,
                      spec.name, static_cast<int>(element));
  size_t rank = 0;
  SARAI_CHECK_OK(ToStatus(api, api.GetDimensionsCount(info, &rank), During::kLoad));
  spec.dims.resize(rank);
  SARAI_CHECK_OK(ToStatus(api, api.GetDimensions(info, spec.dims.data(), rank), During::kLoad));
  std::ranges::replace_if(spec.dims, [](int64_t dim) { return dim < 0; }, -1);
  return {};
}

Status ReadType(const OrtApi& api, const OrtTypeInfo* info, const char* what, TensorSpec& spec) {
  ONNXType kind = ONNX_TYPE_UNKNOWN;
  SARAI_CHECK_OK(ToStatus(api, api.GetOnnxTypeFromTypeInfo(info, &kind), During::kLoad));
  if (kind != ONNX_TYPE_TENSOR)
    return MakeStatus(Code::kUnimplemented,
                      "{} '{}' is {}; only tensors can be served: convert it in the graph", what,
                      spec.name, KindName(kind));
  const OrtTensorTypeAndShapeInfo* tensor = nullptr;
  SARAI_CHECK_OK(ToStatus(api, api.CastTypeInfoToTensorInfo(info, &tensor), During::kLoad));
  return ReadTensorInfo(api, tensor, what, spec);
}

Result<std::string> ReadName(OrtRuntime& runtime, const OrtSession* session, const Group& group,
                             size_t index) {
  char* text = nullptr;
  OrtAllocator* allocator = runtime.allocator();
  SARAI_CHECK_OK(
      ToStatus(runtime.api(), group.name(session, index, allocator, &text), During::kLoad));
  std::string name(text);
  allocator->Free(allocator, text);
  return name;
}

Status ReadGroup(OrtRuntime& runtime, const OrtSession* session, const Group& group,
                 std::vector<TensorSpec>& specs) {
  const OrtApi& api = runtime.api();
  size_t count = 0;
  SARAI_CHECK_OK(ToStatus(api, group.count(session, &count), During::kLoad));
  for (size_t i = 0; i < count; ++i) {
    auto name = ReadName(runtime, session, group, i);
    if (!name) return name.error();
    OrtTypeInfo* info = nullptr;
    SARAI_CHECK_OK(ToStatus(api, group.type_info(session, i, &info), During::kLoad));
    const auto owned = Own(info, api.ReleaseTypeInfo);
    TensorSpec spec{.name = *std::move(name), .optional = group.optional};
    SARAI_CHECK_OK(ReadType(api, info, group.what, spec));
    specs.push_back(std::move(spec));
  }
  return {};
}

bool BeginsVariable(const TensorSpec& spec) {
  return spec.optional || (!spec.dims.empty() && spec.dims.front() == -1);
}

}  // namespace

Result<Signature> ReadSignature(OrtRuntime& runtime, const OrtSession* session) {
  const OrtApi& api = runtime.api();
  const Group inputs{"input", false, api.SessionGetInputCount, api.SessionGetInputName,
                     api.SessionGetInputTypeInfo};
  const Group optional{"input", true, api.SessionGetOverridableInitializerCount,
                       api.SessionGetOverridableInitializerName,
                       api.SessionGetOverridableInitializerTypeInfo};
  const Group outputs{"output", false, api.SessionGetOutputCount, api.SessionGetOutputName,
                      api.SessionGetOutputTypeInfo};
  Signature signature;
  SARAI_CHECK_OK(ReadGroup(runtime, session, inputs, signature.inputs));
  SARAI_CHECK_OK(ReadGroup(runtime, session, optional, signature.inputs));
  SARAI_CHECK_OK(ReadGroup(runtime, session, outputs, signature.outputs));
  signature.first_dim_variable = !signature.inputs.empty() &&
                                 std::ranges::all_of(signature.inputs, BeginsVariable) &&
                                 std::ranges::all_of(signature.outputs, BeginsVariable);
  return signature;
}

}  // namespace sarai::backends::ort
