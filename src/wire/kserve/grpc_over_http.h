// A gRPC call carried by HTTP/1.1, as gateway and instance do between themselves: one way of
// sending a request to an instance, whatever the client spoke.
//
//   POST /sarai/v1/grpc/PACKAGE.SERVICE/METHOD   the client's one message is the body
//   x-sarai-metadata-NAME: VALUE                 each of its metadata but binary ones
//   x-sarai-grpc-timeout-us: N                   until its deadline, if it has one
// One message comes back as the body, with
//   x-sarai-grpc-status: N, x-sarai-grpc-message: percent-encoded
// and trailing metadata "x-sarai-…" as they are; HTTP's status says the same in its own words.
// Where more may come: x-sarai-grpc-framed: 1 and, as the body, frames of one byte (0 message,
// 1 status), four of length (big-endian) and the payload; the status, last, is "N text".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/blob.h"
#include "base/status.h"
#include "wire/http/message.h"

namespace sarai::kserve::grpc {

struct CarriedCall {
  std::string method;  // "/inference.GRPCInferenceService/ModelInfer"
  http::Headers metadata;
  std::optional<std::chrono::microseconds> timeout;
};
http::Request CarryCall(const CarriedCall& call, Blob message);
bool IsCarriedCall(std::string_view target);
// Precondition: IsCarriedCall(request.target).
CarriedCall ReadCarriedCall(const http::Request& request);

// How a call ended.
struct CarriedEnd {
  int code = 0;  // google.rpc.Code
  std::string message;
  http::Headers trailing;
};
// One message, or none. `end.trailing`: those that begin with "x-sarai-".
http::Response CarryAnswer(const CarriedEnd& end, std::vector<Blob> message);
// The head of an answer in frames.
http::Response CarryFrames();
bool IsFramed(const http::Response& response);
// Errors: kInternal, for what no instance answers.
Result<CarriedEnd> ReadCarriedEnd(const http::Response& response);

// What goes before a message's parts.
Blob FrameHead(size_t message_bytes);
Blob EndFrame(int code, std::string_view message);

struct Frame {
  bool is_end = false;
  Blob message;    // unless is_end
  CarriedEnd end;  // else
};

// Frames out of a body that comes in any parts. Threads: one at a time.
class FrameReader {
 public:
  explicit FrameReader(uint64_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}

  void Add(Blob part);
  // The next whole frame, if it is there. Errors: kInternal, for what is no frame or too large.
  Result<std::optional<Frame>> Next();

 private:
  Blob Take(size_t size);  // precondition: so much is there

  const uint64_t max_frame_bytes_;
  std::vector<Blob> parts_;
  uint64_t bytes_ = 0;  // of parts_
};

// google.rpc.Code -> the HTTP status that says it: 14 -> 503, 5 -> 404.
int HttpStatusOfGrpc(int code);

}  // namespace sarai::kserve::grpc
