// What all models of the process share: OpenVINO's core, the cache of compiled models, the meter of
// loads. Held by the backend and every model. Thread-safe. Includes the framework: only for this
// folder.
#pragma once

#include <memory>
#include <openvino/runtime/core.hpp>
#include <string>

#include "backends/backend.h"
#include "backends/common/heap_growth.h"
#include "backends/openvino/compiled_cache.h"
#include "backends/openvino/ov_options.h"

namespace sarai::backends::openvino {

class OvRuntime {
 public:
  // Settings: `cache_directory` (default none: nothing is kept), `cache_mib_max` (default 10240).
  // Throws what OpenVINO throws. Errors: kInvalidArgument.
  static Result<std::shared_ptr<OvRuntime>> Open(const BackendOptions& options);

  const std::string& version() const { return version_; }
  int threads() const { return threads_; }
  const CompiledCache& cache() const { return cache_; }
  HeapMeter& meter() { return meter_; }

  // The core to load a model with: the shared one, or one of its own that knows its extension.
  // Errors: kInvalidArgument names the devices that there are, or the extension.
  Result<std::shared_ptr<ov::Core>> CoreFor(const ModelOptions& options) const;

 private:
  OvRuntime(CompiledCacheOptions cache, int threads);

  const int threads_;
  const CompiledCache cache_;
  const std::shared_ptr<ov::Core> core_;
  const std::string version_;
  HeapMeter meter_;
};

}  // namespace sarai::backends::openvino
