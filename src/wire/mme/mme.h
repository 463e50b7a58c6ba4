// The container contract of SageMaker multi-model endpoints: bytes <-> types.
// Source: SageMaker developer guide, "Custom Containers Contract for Multi-Model Endpoints"; the
// binary media type is Triton's (src/sagemaker_server.cc).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace sarai::mme {

inline constexpr std::string_view kTargetModelHeader = "X-Amzn-SageMaker-Target-Model";
inline constexpr std::string_view kCustomAttributesHeader = "X-Amzn-SageMaker-Custom-Attributes";
// Sarai's own, optional on the wire.
inline constexpr std::string_view kModelStateHeader = "x-sarai-model-state";  // warm | cold
inline constexpr std::string_view kWaitMsHeader = "x-sarai-wait-ms";  // for the model, this request
inline constexpr std::string_view kLoadMsHeader = "x-sarai-load-ms";  // the model's last load
inline constexpr std::string_view kInstanceHeader = "x-sarai-instance";
inline constexpr std::string_view kErrorCodeHeader = "x-sarai-error";  // CodeName() of a failure

struct LoadRequest {
  std::string model_name;
  std::string url;  // a local path
};
Result<LoadRequest> ParseLoadRequest(std::string_view body);

struct ModelEntry {
  std::string model_name, model_url;
};
struct ListPage {
  std::vector<ModelEntry> models;
  std::string next_page_token;  // empty on the last page
};
std::string EncodeModel(const ModelEntry& model);
std::string EncodeList(const ListPage& page);

// How an invoke's body is laid out, by its Content-Type.
//   application/vnd.sagemaker-triton.binary+json;json-header-size=N -> N (0: one raw tensor)
//   anything else -> nothing: JSON, whatever the type says
// Error: kInvalidArgument when N is no number, negative or greater than the body.
Result<std::optional<size_t>> JsonSizeFromContentType(std::string_view content_type,
                                                      size_t body_size);
std::string BinaryContentType(size_t json_size);

// 404 not found, 409 loaded already, 507 no room, 429 not ready in time, 503 draining, 500, 400.
int HttpStatus(Code code);

}  // namespace sarai::mme
