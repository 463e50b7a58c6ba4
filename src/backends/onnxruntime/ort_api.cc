#include "backends/onnxruntime/ort_api.h"

#include <string>
#include <string_view>

#include "backends/common/memory_account.h"

namespace sarai::backends::ort {
namespace {

constexpr size_t kMessageBytesMax = 2048;

// At load all that ORT was given is the model, so what it cannot make sense of is the model's
// fault.
Code LoadCode(OrtErrorCode code) {
  switch (code) {
    case ORT_NO_SUCHFILE: return Code::kNotFound;
    case ORT_NOT_IMPLEMENTED: return Code::kUnimplemented;
    case ORT_ENGINE_ERROR:
    case ORT_EP_FAIL: return Code::kInternal;
    default: return Code::kDataLoss;
  }
}

// A model that could be loaded fails in a run over what it was given: kernels report shapes that do
// not fit as any of FAIL, INVALID_ARGUMENT and RUNTIME_EXCEPTION.
Code RunCode(OrtErrorCode code) {
  switch (code) {
    case ORT_NOT_IMPLEMENTED: return Code::kUnimplemented;
    case ORT_ENGINE_ERROR:
    case ORT_EP_FAIL: return Code::kInternal;
    default: return Code::kInvalidArgument;
  }
}

// Our allocator's refusals are counted; operator new's are only told by the text.
bool RanOutOfMemory(std::string_view message) {
  const ScopedAccount* scope = ScopedAccount::Current();
  if (scope != nullptr && scope->ran_out_of_memory()) return true;
  return message.find("std::bad_alloc") != std::string_view::npos ||
         message.find("bad allocation") != std::string_view::npos;
}

Code ToCode(OrtErrorCode code, During during) {
  switch (during) {
    case During::kStart: return Code::kInternal;
    case During::kLoad: return LoadCode(code);
    case During::kRun: return RunCode(code);
  }
  return Code::kInternal;
}

}  // namespace

Status ToStatus(const OrtApi& api, OrtStatus* status, During during) {
  if (status == nullptr) return {};
  const auto owned = Own(status, api.ReleaseStatus);
  const std::string message = std::string(api.GetErrorMessage(status)).substr(0, kMessageBytesMax);
  const Code code =
      RanOutOfMemory(message) ? Code::kResourceExhausted : ToCode(api.GetErrorCode(status), during);
  return MakeStatus(code, "ONNX Runtime: {}", message);
}

}  // namespace sarai::backends::ort
