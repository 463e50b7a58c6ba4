// The one ONNX Runtime of the process: library, environment, thread pool and allocator, which all
// sessions share. No session has threads of its own, so threads do not grow with models.
//
// Held by the backend, every model and every output still on its way to a client; the library
// itself is never closed. Thread-safe after Open.
#pragma once

#include <memory>
#include <string>

#include "backends/backend.h"
#include "backends/onnxruntime/ort_api.h"
#include "base/status.h"

namespace sarai::backends::ort {

class OrtRuntime {
 public:
  // Settings: `library` (path of libonnxruntime.so; default: beside the backend, see README.md),
  // `allow_spinning` (default false: idle pool threads sleep), `log_severity` (0 verbose … 4 fatal,
  // default 4: errors reach the caller as Status anyway), `allow_operation_libraries` (default
  // false: a model brings no native code into this process).
  static Result<std::shared_ptr<OrtRuntime>> Open(const BackendOptions& options);
  ~OrtRuntime();
  OrtRuntime(const OrtRuntime&) = delete;
  OrtRuntime& operator=(const OrtRuntime&) = delete;

  const OrtApi& api() const { return *api_; }
  OrtEnv* env() const { return env_.get(); }
  OrtAllocator* allocator() { return &allocator_; }
  const OrtMemoryInfo* memory_info() const { return memory_info_.get(); }
  const std::string& version() const { return version_; }
  // Whether the library's weights are booked on accounts (ort_memory.h).
  bool counts_weights() const { return counts_weights_; }
  bool allows_operation_libraries() const { return allows_operation_libraries_; }

 private:
  // What ORT calls through; the base must come first.
  struct Allocator : OrtAllocator {
    const OrtMemoryInfo* info = nullptr;
  };

  OrtRuntime(const OrtApi* api, std::string version, bool counts_weights);
  Status Start(const BackendOptions& options);
  Status MakeEnvironment(const BackendOptions& options);
  Status RegisterAllocator();

  const OrtApi* const api_;
  const std::string version_;
  const bool counts_weights_;
  bool allows_operation_libraries_ = false;  // set by Open
  Owned<OrtMemoryInfo> memory_info_;
  Owned<OrtEnv> env_;
  Allocator allocator_{};
};

}  // namespace sarai::backends::ort
