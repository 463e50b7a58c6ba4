// The client's side: one call to a peer, bytes in and out. Channels are kept per address.
//
// Threads: callbacks come on threads of the channel pool and must not block; methods from any.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "net/grpc/message.h"
#include "net/server.h"

namespace sarai::net {

class GrpcClientCall {
 public:
  virtual ~GrpcClientCall() = default;  // cancels what is not done
  virtual void Write(GrpcMessage message) = 0;
  virtual void WritesDone() = 0;
  virtual void Cancel() = 0;
};

struct GrpcCallEvents {
  std::move_only_function<void(Blob message)> on_message;
  // Once, last.
  std::move_only_function<void(GrpcStatus status, GrpcMetadata trailing)> on_done;
};

// How a call with one message each way ended; the message is empty unless the status is OK.
using GrpcReplyCallback =
    std::move_only_function<void(GrpcStatus status, Blob reply, GrpcMetadata trailing)>;

struct GrpcChannelOptions {
  int threads = 1;
  int connections = 1;  // per address; calls go round them
  uint64_t max_message_bytes = 256ull << 20;
  bool tls = false;
  std::string authority_file;              // PEM; empty = the system's
  std::string certificate_file, key_file;  // PEM, shown to peers that ask; empty = none
};

class GrpcChannels {
 public:
  virtual ~GrpcChannels() = default;  // calls under way end as UNAVAILABLE
  // `address` is "host:port".
  virtual std::shared_ptr<GrpcClientCall> Start(const std::string& address,
                                                const std::string& method,
                                                const GrpcMetadata& metadata, TimePoint deadline,
                                                GrpcCallEvents events) = 0;
  // One message each way, at a third of the cost of the above; it ends by itself or the deadline.
  virtual void Ask(const std::string& address, const std::string& method,
                   const GrpcMetadata& metadata, TimePoint deadline, const GrpcMessage& message,
                   GrpcReplyCallback done) = 0;
};
std::unique_ptr<GrpcChannels> MakeGrpcChannels(GrpcChannelOptions options);

}  // namespace sarai::net
