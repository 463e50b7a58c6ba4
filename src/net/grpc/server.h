// A gRPC server that knows no service: each call, unary or streaming, is handed to one handler
// with its method's name, and bytes go in and out.
//
// Threads: `threads` of its own. The handler and a call's callbacks are called on them and must not
// block; a call's methods may be called from any thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/status.h"
#include "net/grpc/message.h"
#include "net/server.h"

namespace sarai::net {

// One call. It lives until it is finished and nobody holds it. A unary method reads one message,
// writes one, finishes; a streaming one as it likes.
class GrpcCall {
 public:
  virtual ~GrpcCall() = default;

  virtual const std::string& method() const = 0;  // "/inference.GRPCInferenceService/ModelInfer"
  virtual const GrpcMetadata& metadata() const = 0;
  virtual std::string peer() const = 0;
  virtual TimePoint deadline() const = 0;  // the client's; max = none
  // Cancelled when the client has left or its deadline has passed.
  virtual const CancellationPtr& cancellation() const = 0;

  // The next message, in one piece; nothing when the client sends no more (or has left). One Read
  // at a time.
  using OnMessage = std::move_only_function<void(std::optional<Blob>)>;
  virtual void Read(OnMessage on_message) = 0;

  // Messages go out in the order of the calls. Dropped when the client has left. Bounded by
  // GrpcServerOptions::max_unsent_bytes: false = the client is too slow, the message is dropped.
  virtual bool Write(GrpcMessage message) = 0;

  // The last message and, after it, an OK: cheaper than Write and Finish.
  virtual void FinishWith(GrpcMessage message, GrpcMetadata trailing = {}) = 0;

  // After the messages written before. Once; nothing is written afterwards. A call that is dropped
  // without it finishes as INTERNAL.
  virtual void Finish(GrpcStatus status, GrpcMetadata trailing = {}) = 0;
};
using GrpcCallPtr = std::shared_ptr<GrpcCall>;
using GrpcHandler = std::function<void(GrpcCallPtr)>;

enum class GrpcCompression { kNone, kLow, kMedium, kHigh };

struct GrpcServerOptions {
  std::string address = "127.0.0.1";
  uint16_t port = 0;  // 0 = the kernel picks
  int threads = 2;
  uint64_t max_message_bytes = 256ull << 20;  // RESOURCE_EXHAUSTED above it
  uint64_t max_unsent_bytes = 64ull << 20;    // per call
  uint32_t max_calls = 16384;                 // at once; RESOURCE_EXHAUSTED above it
  GrpcCompression response_compression = GrpcCompression::kNone;
  bool reuse_port = false;
  // Triton's --grpc-keepalive-* and --grpc-http2-*; its defaults.
  std::chrono::milliseconds keepalive_time{7'200'000}, keepalive_timeout{20'000};
  bool keepalive_permit_without_calls = false;
  int max_pings_without_data = 2;
  std::chrono::milliseconds min_recv_ping_interval_without_data{300'000};
  int max_ping_strikes = 2;
  std::chrono::milliseconds max_connection_age{0}, max_connection_age_grace{0};  // 0 = none
  TlsOptions tls;
};

class GrpcServer {
 public:
  // Listens at once; errors name address and port.
  static Result<std::unique_ptr<GrpcServer>> Listen(GrpcServerOptions options, GrpcHandler handler);
  virtual ~GrpcServer() = default;  // drains with no patience

  virtual std::string address() const = 0;  // "127.0.0.1:34567"

  // Takes no new calls, lets those under way finish, at most for `patience`, then cancels them.
  // When it returns, no callback runs any more. Blocks; idempotent.
  virtual void Drain(std::chrono::milliseconds patience) = 0;
};

}  // namespace sarai::net
