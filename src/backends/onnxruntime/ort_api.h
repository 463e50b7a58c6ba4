// ONNX Runtime's C API as this backend uses it: no symbol is linked, the table of functions comes
// from dlsym; handles own what they point at; errors are Status.
#pragma once

#define ORT_API_MANUAL_INIT
#include <onnxruntime_c_api.h>

#include <memory>

#include "base/status.h"

namespace sarai::backends::ort {

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

template <typename T>
Owned<T> Own(T* handle, void (*release)(T*)) {
  return Owned<T>(handle, release);
}

// What ORT was doing when it failed: the same code of its own means different things.
enum class During { kStart, kLoad, kRun };

// Takes ORT's status (null = ok) and releases it.
Status ToStatus(const OrtApi& api, OrtStatus* status, During during);

}  // namespace sarai::backends::ort
