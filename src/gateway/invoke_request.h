// InvokeEndpoint on the wire -> a value. Header names, limits and patterns: botocore's
// sagemaker-runtime service model.
#pragma once

#include <string>

#include "base/status.h"
#include "wire/http/message.h"

namespace sarai::gateway {

struct InvokeRequest {
  std::string endpoint;
  std::string target_model;    // empty = not given
  std::string target_variant;  // empty = by weight
  std::string content_type;    // as sent; empty = not given
  std::string accept;
  std::string custom_attributes;
  std::string inference_id;
  Blob body;
  CancellationPtr cancellation;  // of the client that asked
};

// Errors: kUnimplemented for operations of the runtime that are not served, kNotFound for another
// path, kInvalidArgument names the member that is out of its limits.
Result<InvokeRequest> ParseInvoke(const http::Request& request, uint64_t max_body_bytes);

// What the instance is sent: the MME contract's invoke, or /invocations for a single-model variant
// (`model_path` empty). Takes a share of the body, copies no byte of it.
http::Request ForwardRequest(const InvokeRequest& invoke, const std::string& model_path,
                             const std::string& request_id);

// The opaque model name of the container contract: a stable hash of the artifact's full URL.
std::string OpaqueModelName(const std::string& prefix, const std::string& target_model);

}  // namespace sarai::gateway
