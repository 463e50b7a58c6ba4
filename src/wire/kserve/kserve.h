// KServe v2 / Triton inference protocol, HTTP form: bytes <-> types. Tensors parsed from binary
// data are views over the received body.
// Sources: kserve open-inference-protocol (rest), Triton docs/protocol/*.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/blob.h"
#include "base/status.h"
#include "types/inference.h"
#include "types/model_spec.h"
#include "wire/http/message.h"

namespace sarai::kserve {

struct ParseOptions {
  uint64_t max_json_bytes = 64ull << 20;  // the JSON part, and what tensors expand to from it
  int max_json_depth = 100;
  size_t max_tensors = 1024;     // inputs, and outputs
  size_t max_parameters = 1024;  // in each object of them
};

// `json_size` is the length of the JSON part when the sender said so (Inference-Header-Content-
// Length, or json-header-size of the SageMaker media type); nothing = the whole body is JSON;
// 0 = the whole body is one raw tensor. `model` and `version` come from the path.
Result<InferRequest> ParseInferRequest(const Blob& body, std::optional<size_t> json_size,
                                       const ParseOptions& options);

// Reads Inference-Header-Content-Length. Error for what is no number or greater than the body.
Result<std::optional<size_t>> JsonSizeFromHeaders(const http::Headers& headers, size_t body_size);

struct EncodedResponse {
  std::vector<Blob> body;  // JSON, then the binary tensors in output order
  size_t json_size = 0;
  bool binary = false;  // any output travels as binary
};
struct EncodeOptions {
  // Class names by output, for classification; null = none.
  const std::map<std::string, std::vector<std::string>, std::less<>>* labels = nullptr;
  // Whether an output's first dimension counts the batch's items, each classified by itself.
  // Nothing = it does when there is a second one.
  std::optional<bool> batched;
};
// Which outputs are binary follows the request (RequestedOutput::binary, binary_outputs,
// raw_input). FP16/BF16 outputs asked for as JSON are an error, as in Triton. Numbers that JSON
// does not have are written NaN, Infinity and -Infinity, as Triton does and Python reads.
Result<EncodedResponse> EncodeInferResponse(const InferResponse& response,
                                            const InferRequest& request,
                                            const EncodeOptions& options = {});

// {"error":"…"}
std::string ErrorBody(std::string_view message);
// NOT_FOUND 404, UNAVAILABLE 503, UNIMPLEMENTED 501, INTERNAL 500, DEADLINE 504, other 400.
int HttpStatus(Code code);

struct ServerMetadata {
  std::string name, version;
  std::vector<std::string> extensions;
};
std::string EncodeServerMetadata(const ServerMetadata& metadata);

// The batch dimension is put before the dims as -1 when max_batch_size > 0.
std::string EncodeModelMetadata(const ModelSpec& spec, const std::vector<std::string>& versions);

struct IndexEntry {
  std::string name, version, state, reason;  // all but name may be empty (never loaded)
};
std::string EncodeRepositoryIndex(const std::vector<IndexEntry>& entries);
Result<bool> ParseIndexRequest(std::string_view body);  // -> only ready ones? (default false)

}  // namespace sarai::kserve
