// One conversation between parent and host: calls, one after the other, each with its reply.
//
// A call's message and tensors lie in the request region, the reply's in the response region; a
// packet on the socket says that they are there. This is the parent's side; host_main.cc has the
// other. One thread at a time.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "backends/host/messages.h"
#include "backends/host/shared_region.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/status.h"
#include "base/unique_fd.h"

namespace sarai::backends::host {

struct ChannelLimits {
  size_t region_bytes_max = 2 * kGiB;    // one call's tensors, and one reply's
  size_t region_bytes_kept = 16 * kMiB;  // what a channel keeps of them afterwards
};

class Channel {
 public:
  // What the host needs of it, in the order in which it inherits them. Close after the spawn.
  struct HostEnd {
    UniqueFd socket;
    int request = -1;   // owned by the channel
    int response = -1;  // owned by the channel
  };
  // Valid until the channel's next call.
  struct Reply {
    Reader message;
    std::span<const std::byte> data;
    uint64_t model_bytes = 0;
  };

  static Result<Channel> Make(const ChannelLimits& limits, HostEnd& host_end);

  // `message` must have been finished with WriteTensors of the same tensors if there are any; its
  // result is `data_bytes`. Errors: kInvalidArgument and kResourceExhausted: nothing was sent, the
  // channel is as before. kUnavailable: the host closed it. kDeadlineExceeded: no reply in time.
  // kInternal: the host broke the protocol. After the last three the host must go.
  Result<Reply> Call(CallKind kind, std::span<const std::byte> message,
                     const std::vector<Tensor>& tensors, size_t data_bytes, Duration timeout);

  // Gives back what the last call took beyond the limit.
  void Trim();

 private:
  Status Send(CallKind kind, std::span<const std::byte> message, size_t data_bytes);
  Result<Frame> Receive(Duration timeout);
  Status Check(const Frame& reply, CallKind kind) const;

  ChannelLimits limits_;
  UniqueFd socket_;
  SharedRegion request_;
  SharedRegion response_;
  uint64_t sequence_ = 0;
};

}  // namespace sarai::backends::host
