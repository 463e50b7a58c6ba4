// An operation library as users build them: sarai.test.Twice, for the backend's tests.
#include <onnxruntime_c_api.h>

namespace {

const OrtApi* api = nullptr;

OrtStatusPtr ORT_API_CALL Compute(void*, OrtKernelContext* context) {
  const OrtValue* in = nullptr;
  if (OrtStatusPtr error = api->KernelContext_GetInput(context, 0, &in)) return error;
  OrtTensorTypeAndShapeInfo* info = nullptr;
  if (OrtStatusPtr error = api->GetTensorTypeAndShape(in, &info)) return error;
  size_t rank = 0, count = 0;
  int64_t dims[8] = {};
  OrtStatusPtr error = api->GetDimensionsCount(info, &rank);
  if (error == nullptr) error = api->GetDimensions(info, dims, rank);
  if (error == nullptr) error = api->GetTensorShapeElementCount(info, &count);
  api->ReleaseTensorTypeAndShapeInfo(info);
  OrtValue* out = nullptr;
  if (error == nullptr) error = api->KernelContext_GetOutput(context, 0, dims, rank, &out);
  void *from = nullptr, *to = nullptr;
  if (error == nullptr) error = api->GetTensorMutableData(const_cast<OrtValue*>(in), &from);
  if (error == nullptr) error = api->GetTensorMutableData(out, &to);
  if (error != nullptr) return error;
  for (size_t i = 0; i < count; ++i)
    static_cast<float*>(to)[i] = 2 * static_cast<const float*>(from)[i];
  return nullptr;
}

OrtCustomOp MakeTwice() {
  OrtCustomOp op{};
  op.version = ORT_API_VERSION;
  op.CreateKernelV2 = [](const OrtCustomOp*, const OrtApi*, const OrtKernelInfo*,
                         void** kernel) -> OrtStatusPtr {
    static char nothing;
    *kernel = &nothing;
    return nullptr;
  };
  op.KernelComputeV2 = Compute;
  op.KernelDestroy = [](void*) {};
  op.GetName = [](const OrtCustomOp*) { return "Twice"; };
  op.GetExecutionProviderType = [](const OrtCustomOp*) -> const char* { return nullptr; };
  op.GetInputTypeCount = [](const OrtCustomOp*) -> size_t { return 1; };
  op.GetOutputTypeCount = op.GetInputTypeCount;
  op.GetInputType = [](const OrtCustomOp*, size_t) { return ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT; };
  op.GetOutputType = op.GetInputType;
  op.GetInputCharacteristic = [](const OrtCustomOp*, size_t) { return INPUT_OUTPUT_REQUIRED; };
  op.GetOutputCharacteristic = op.GetInputCharacteristic;
  op.GetInputMemoryType = [](const OrtCustomOp*, size_t) { return OrtMemTypeDefault; };
  op.GetStartVersion = [](const OrtCustomOp*) { return 1; };
  op.GetEndVersion = [](const OrtCustomOp*) { return 1; };
  return op;
}

}  // namespace

extern "C" __attribute__((visibility("default"))) OrtStatusPtr ORT_API_CALL
RegisterCustomOps(OrtSessionOptions* options, const OrtApiBase* base) {
  static const OrtCustomOp twice = MakeTwice();
  api = base->GetApi(ORT_API_VERSION);
  OrtCustomOpDomain* domain = nullptr;
  if (OrtStatusPtr error = api->CreateCustomOpDomain("sarai.test", &domain)) return error;
  if (OrtStatusPtr error = api->CustomOpDomain_Add(domain, &twice)) return error;
  return api->AddCustomOpDomain(options, domain);
}
