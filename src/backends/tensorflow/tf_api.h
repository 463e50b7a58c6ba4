// TensorFlow's C API as this backend uses it: declared here, found by name in a library opened at
// run time. Held by the backend, every model and every output still on its way; the library is
// never closed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "backends/backend.h"
#include "base/status.h"

extern "C" {
struct TF_Status;
struct TF_Graph;
struct TF_Session;
struct TF_SessionOptions;
struct TF_Operation;
struct TF_Tensor;
struct TF_Buffer;
struct TF_Output {
  TF_Operation* oper;
  int index;
};
struct alignas(8) TF_TString {
  unsigned char bytes[24];
};
}

namespace sarai::backends::tensorflow {

using TfDeallocator = void (*)(void* data, size_t bytes, void* argument);

#define SARAI_TF_FUNCTIONS(X)                                                                     \
  X(const char*, TF_Version, ())                                                                  \
  X(TF_Status*, TF_NewStatus, ())                                                                 \
  X(void, TF_DeleteStatus, (TF_Status*))                                                          \
  X(int, TF_GetCode, (const TF_Status*))                                                          \
  X(const char*, TF_Message, (const TF_Status*))                                                  \
  X(TF_Graph*, TF_NewGraph, ())                                                                   \
  X(void, TF_DeleteGraph, (TF_Graph*))                                                            \
  X(TF_SessionOptions*, TF_NewSessionOptions, ())                                                 \
  X(void, TF_DeleteSessionOptions, (TF_SessionOptions*))                                          \
  X(void, TF_SetConfig, (TF_SessionOptions*, const void*, size_t, TF_Status*))                    \
  X(TF_Session*, TF_LoadSessionFromSavedModel,                                                    \
    (const TF_SessionOptions*, const TF_Buffer*, const char*, const char* const*, int, TF_Graph*, \
     TF_Buffer*, TF_Status*))                                                                     \
  X(void, TF_SessionRun,                                                                          \
    (TF_Session*, const TF_Buffer*, const TF_Output*, TF_Tensor* const*, int, const TF_Output*,   \
     TF_Tensor**, int, const TF_Operation* const*, int, TF_Buffer*, TF_Status*))                  \
  X(void, TF_CloseSession, (TF_Session*, TF_Status*))                                             \
  X(void, TF_DeleteSession, (TF_Session*, TF_Status*))                                            \
  X(TF_Operation*, TF_GraphOperationByName, (TF_Graph*, const char*))                             \
  X(int, TF_OperationNumOutputs, (TF_Operation*))                                                 \
  X(TF_Tensor*, TF_NewTensor, (int, const int64_t*, int, void*, size_t, TfDeallocator, void*))    \
  X(TF_Tensor*, TF_AllocateTensor, (int, const int64_t*, int, size_t))                            \
  X(void, TF_DeleteTensor, (TF_Tensor*))                                                          \
  X(void*, TF_TensorData, (const TF_Tensor*))                                                     \
  X(size_t, TF_TensorByteSize, (const TF_Tensor*))                                                \
  X(int, TF_TensorType, (const TF_Tensor*))                                                       \
  X(int, TF_NumDims, (const TF_Tensor*))                                                          \
  X(int64_t, TF_Dim, (const TF_Tensor*, int))                                                     \
  X(void, TF_StringInit, (TF_TString*))                                                           \
  X(void, TF_StringCopy, (TF_TString*, const char*, size_t))                                      \
  X(const char*, TF_StringGetDataPointer, (const TF_TString*))                                    \
  X(size_t, TF_StringGetSize, (const TF_TString*))                                                \
  X(void, TF_StringDealloc, (TF_TString*))

struct TfApi {
#define SARAI_TF_MEMBER(Return, name, arguments) Return(*name) arguments = nullptr;
  SARAI_TF_FUNCTIONS(SARAI_TF_MEMBER)
#undef SARAI_TF_MEMBER

  // Setting `library`: path of libtensorflow_cc.so.2 (default: beside the backend). Errors:
  // kFailedPrecondition says how to install it.
  static Result<std::shared_ptr<const TfApi>> Open(const BackendOptions& options);
};

// An error slot of TensorFlow's, for one call after the other.
class TfStatus {
 public:
  explicit TfStatus(const TfApi& api) : api_(api), status_(api.TF_NewStatus()) {}
  ~TfStatus() { api_.TF_DeleteStatus(status_); }
  TfStatus(const TfStatus&) = delete;
  TfStatus& operator=(const TfStatus&) = delete;

  TF_Status* get() const { return status_; }
  // `otherwise`: the code of what is neither lack of memory nor a missing feature.
  Status ToStatus(Code otherwise) const;

 private:
  const TfApi& api_;
  TF_Status* const status_;
};

}  // namespace sarai::backends::tensorflow
