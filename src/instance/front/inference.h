// One inference over HTTP, the part that is the same for KServe and MME: bytes -> request ->
// manager
// -> response -> bytes. The fronts differ in how the length of the JSON part travels and in their
// status codes.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/blob.h"
#include "instance/model_manager.h"
#include "instance/shared_memory.h"
#include "wire/http/content_encoding.h"
#include "wire/http/message.h"
#include "wire/kserve/kserve.h"

namespace sarai::instance {

struct InferenceCall {
  std::string model, version;
  Blob body;
  std::optional<size_t> json_size;  // as in kserve::ParseInferRequest
  Caller caller;
  CancellationPtr cancellation;
  Parameters forwarded;  // headers that become parameters
  http::ContentEncoding answer_encoding = http::ContentEncoding::kIdentity;
};

// Adds what is known of the model's residency: warm or cold, how long the request waited for it.
void AddTimings(http::Headers& headers, const InferOutcome& outcome,
                const std::string& instance_id);

// Who sent the request: the peer, its trace context.
Caller CallerOf(const http::Request& request);
// What encoding needs to know of the model that answered.
kserve::EncodeOptions EncodeOptionsOf(const InferOutcome& outcome);

// The body as it was before it was compressed. Errors: kUnimplemented, kInvalidArgument,
// kResourceExhausted.
Result<Blob> PlainBody(const http::Request& request, uint64_t max_bytes);
bool HasVersion(const engine::ModelInfo& model, const std::string& version);  // empty = any
Status NoSuchVersion(const engine::ModelInfo& model, const std::string& version);

class Inference {
 public:
  // What a front adds: its answer to a success, given its headers and body; its error codes.
  struct Dialect {
    std::string (*content_type)(const kserve::EncodedResponse&);
    bool json_size_header = false;  // Inference-Header-Content-Length in the answer
    int (*http_status)(Code);
  };

  // `manager` and `memory` outlive it.
  Inference(ModelManager& manager, SharedMemory& memory, kserve::ParseOptions parse,
            std::string instance_id, Dialect dialect)
      : manager_(manager),
        memory_(memory),
        parse_(parse),
        instance_id_(std::move(instance_id)),
        dialect_(dialect) {}

  void Run(InferenceCall call, http::Responder respond) const;

 private:
  ModelManager& manager_;
  SharedMemory& memory_;
  const kserve::ParseOptions parse_;
  const std::string instance_id_;
  const Dialect dialect_;
};

}  // namespace sarai::instance
