// The path of a KServe request at an endpoint -> what is asked for, and what an instance is asked.
//
// A model's name is the archive's key below the endpoint's prefix. Triton's clients leave slashes
// in it as they are: it may take several segments. "a%2Fready" is a model's whole name, "a/ready"
// asks whether "a" is ready.
#pragma once

#include <string>

#include "base/status.h"
#include "wire/http/message.h"
#include "wire/kserve/restricted_apis.h"

namespace sarai::gateway {

struct HttpCall {
  enum class Kind {
    kLive,
    kReady,
    kServer,      // what the server says of itself
    kStatistics,  // of one model, or of all
    kModel,       // what is known of one model
    kInfer,       // infer, generate, generate_stream
    kIndex,
    kLoad,
    kUnload,
    kUnserved  // parts of the protocol that an endpoint has not got
  };
  Kind kind = Kind::kServer;
  kserve::ApiCategory category = kserve::ApiCategory::kMetadata;
  std::string endpoint;  // empty = the path does not name it
  std::string model;     // empty = none
  std::string target;    // for the instance
  bool streams = false;  // the answer comes bit by bit
};

// "/v2…" and "/endpoints/NAME/v2…"
bool IsKservePath(std::string_view target);
// Precondition: IsKservePath(request.target). Errors: kNotFound.
Result<HttpCall> ParseHttpCall(const http::Request& request);

}  // namespace sarai::gateway
