// What gRPC calls look like to the rest of the program: method names, metadata and message bytes.
// Messages are opaque here; wire/kserve turns them into types.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/blob.h"
#include "base/cancellation.h"
#include "base/clock.h"
#include "wire/http/message.h"

namespace sarai::net {

// Codes of google.rpc.Code; 0 = OK.
struct GrpcStatus {
  int code = 0;
  std::string message;
  bool ok() const { return code == 0; }
};

using GrpcMetadata = http::Headers;  // names in lower case

using GrpcMessage = std::vector<Blob>;  // parts, sent one after the other without being joined

}  // namespace sarai::net
