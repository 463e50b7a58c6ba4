// What the inference protocol says about a server and its models apart from inference: values, and
// their HTTP form. The gRPC form of the same values is in grpc_codec.h.
// Sources: Triton
// docs/protocol/extension_{statistics,model_repository,shared_memory,trace,logging}.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/blob.h"
#include "base/status.h"
#include "types/model_spec.h"

namespace sarai::kserve {

// --- statistics ----------------------------------------------------------------------------------

struct StatisticDuration {
  uint64_t count = 0, ns = 0;
};
struct BatchStatistics {
  uint64_t batch_size = 0;
  StatisticDuration compute_input, compute_infer, compute_output;
};
struct ResponseStatistics {
  StatisticDuration compute_infer, compute_output, success, fail, empty_response, cancel;
};
struct MemoryUsage {
  std::string type;  // "CPU", "GPU"
  int64_t id = 0;
  uint64_t byte_size = 0;
};
struct ModelStatistics {
  std::string name, version;
  uint64_t last_inference_ms = 0;  // since 1970
  uint64_t inference_count = 0, execution_count = 0;
  StatisticDuration success, fail, queue, compute_input, compute_infer, compute_output, cache_hit,
      cache_miss;
  std::vector<BatchStatistics> batches;
  std::vector<ResponseStatistics> responses;  // by number, of decoupled models
  std::vector<MemoryUsage> memory;
};
std::string EncodeStatistics(const std::vector<ModelStatistics>& models);

// --- model repository ----------------------------------------------------------------------------

struct LoadRequest {
  std::string config_json;            // parameters.config; may be empty
  std::map<std::string, Blob> files;  // "1/model.onnx" -> its bytes, from "file:…", decoded
};
// `max_file_bytes` bounds each and all of them together.
Result<LoadRequest> ParseLoadRequest(std::string_view body, uint64_t max_file_bytes);
struct UnloadRequest {
  bool unload_dependents = false;
};
Result<UnloadRequest> ParseUnloadRequest(std::string_view body);

// --- shared memory -------------------------------------------------------------------------------

struct SystemRegion {
  std::string name, key;
  uint64_t offset = 0, byte_size = 0;
};
struct CudaRegion {
  std::string name;
  std::string raw_handle;  // 64 bytes, decoded
  int64_t device_id = 0;
  uint64_t byte_size = 0;
};
Result<SystemRegion> ParseSystemRegister(std::string_view body, std::string name);
Result<CudaRegion> ParseCudaRegister(std::string_view body, std::string name);
std::string EncodeRegions(const std::vector<SystemRegion>& regions);
std::string EncodeRegions(const std::vector<CudaRegion>& regions);

// --- trace and log settings ----------------------------------------------------------------------

// A setting's values as text, in Triton's words ("trace_level": ["TIMESTAMPS"]); an empty list
// resets it. The server's part checks names and values.
using TraceSettings = std::map<std::string, std::vector<std::string>>;
Result<TraceSettings> ParseTraceSettings(std::string_view body);
std::string EncodeTraceSettings(const TraceSettings& settings);

using LogSetting = std::variant<bool, uint32_t, std::string>;
using LogSettings = std::map<std::string, LogSetting>;
Result<LogSettings> ParseLogSettings(std::string_view body);
std::string EncodeLogSettings(const LogSettings& settings);

}  // namespace sarai::kserve
