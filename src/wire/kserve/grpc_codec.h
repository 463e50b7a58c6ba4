// The gRPC form of the inference protocol: messages of package `inference`
// (proto/grpc_service.proto)
// <-> types. Inference is read and written by hand, so that tensors are views over the received
// message and go out without being copied; the rest uses generated code.
// Sources: Triton common protobuf/grpc_service.proto; server src/grpc/infer_handler.cc for rules.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/blob.h"
#include "base/status.h"
#include "types/inference.h"
#include "types/model_spec.h"
#include "wire/kserve/kserve.h"
#include "wire/kserve/management.h"

namespace sarai::kserve::grpc {

// --- inference -----------------------------------------------------------------------------------

struct GrpcInferRequest {
  InferRequest request;            // model and version set
  bool wants_empty_final = false;  // triton_enable_empty_final_response
};
// raw_input_contents and InferTensorContents. Errors name the tensor: kInvalidArgument.
Result<GrpcInferRequest> ParseInferRequest(const Blob& message, const ParseOptions& options);
// The id of a request that may be wrong in other ways: for its error.
std::string RequestIdOf(const Blob& message);

// Parts of one ModelInferResponse. `request` says what was asked for, as in EncodeInferResponse.
// With `in_stream` it is wrapped into a ModelStreamInferResponse and has triton_final_response.
Result<std::vector<Blob>> EncodeInferResponse(const InferResponse& response,
                                              const InferRequest& request,
                                              const EncodeOptions& options, bool in_stream);
// A ModelStreamInferResponse that is an error; the id is the request's. Not `final`: more follow.
std::vector<Blob> EncodeStreamError(std::string_view message, const std::string& model,
                                    const std::string& id, bool final = true);

// For clients (`sarai bench`, tests): a request as a client writes it, and its answer read.
std::vector<Blob> EncodeInferRequest(const InferRequest& request);
Result<InferResponse> ParseInferResponse(const Blob& message);
Result<InferResponse> ParseStreamResponse(const Blob& message);  // with `final` and `error`

// Code -> google.rpc.Code as Triton maps it: NOT_FOUND 5, UNAVAILABLE 14, UNIMPLEMENTED 12,
// ALREADY_EXISTS 6, CANCELLED 1, INTERNAL 13, DEADLINE_EXCEEDED 4, RESOURCE_EXHAUSTED 8, other
// INVALID_ARGUMENT 3.
int GrpcCode(Code code);

// --- management: requests ------------------------------------------------------------------------

struct ModelName {
  std::string name, version;
};
Result<ModelName> ParseModelName(
    const Blob& message);                             // ModelReady, -Metadata, -Config, -Statistics
Result<bool> ParseIndexRequest(const Blob& message);  // ready only; kUnimplemented: repository_name
struct NamedLoadRequest {
  std::string model;
  LoadRequest load;
};
Result<NamedLoadRequest> ParseLoadRequest(const Blob& message, uint64_t max_file_bytes);
struct NamedUnloadRequest {
  std::string model;
  UnloadRequest unload;
};
Result<NamedUnloadRequest> ParseUnloadRequest(const Blob& message);
Result<std::string> ParseRegionName(const Blob& message);  // status, unregister; empty = all
Result<SystemRegion> ParseSystemRegister(const Blob& message);
Result<CudaRegion> ParseCudaRegister(const Blob& message);
struct NamedTraceSettings {
  std::string model;  // empty = the server's
  TraceSettings settings;
};
Result<NamedTraceSettings> ParseTraceSettings(const Blob& message);
Result<LogSettings> ParseLogSettings(const Blob& message);

// --- management: responses -----------------------------------------------------------------------

Blob EncodeFlag(bool value);  // ServerLive-, ServerReady-, ModelReadyResponse
Blob EncodeServerMetadata(const ServerMetadata& metadata);
Blob EncodeModelMetadata(const ModelSpec& spec, const std::vector<std::string>& versions);
Result<Blob> EncodeModelConfig(const std::string& config_json);
Blob EncodeStatistics(const std::vector<ModelStatistics>& models);
Blob EncodeRepositoryIndex(const std::vector<IndexEntry>& entries);
Blob EncodeRegions(const std::vector<SystemRegion>& regions);
Blob EncodeRegions(const std::vector<CudaRegion>& regions);
Blob EncodeTraceSettings(const TraceSettings& settings);
Blob EncodeLogSettings(const LogSettings& settings);

// --- grpc.health.v1 and grpc.reflection ----------------------------------------------------------

Result<std::string> ParseHealthCheck(const Blob& message);  // the service
Blob EncodeHealth(int serving_status);                      // 1 SERVING, 2 NOT_SERVING
// One ServerReflectionRequest -> its ServerReflectionResponse (v1 and v1alpha are alike).
Result<Blob> AnswerReflection(const Blob& message);

}  // namespace sarai::kserve::grpc
