#include "backends/host/channel.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <system_error>
#include <utility>

#include "base/bytes.h"

namespace sarai::backends::host {
namespace {

// Waits until the socket has something to read; false when the time is over.
bool AwaitReadable(int fd, Duration timeout) {
  using std::chrono::milliseconds;
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  pollfd entry{.fd = fd, .events = POLLIN, .revents = 0};
  while (true) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    const auto wait = std::clamp<int64_t>(left.count(), 0, std::numeric_limits<int>::max());
    const int ready = poll(&entry, 1, static_cast<int>(wait));
    if (ready > 0) return true;
    if (ready == 0 && wait == 0) return false;
  }
}

}  // namespace

Result<Channel> Channel::Make(const ChannelLimits& limits, HostEnd& host_end) {
  Channel channel;
  channel.limits_ = limits;
  int sockets[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
    return Error(Code::kResourceExhausted, "socketpair: {}",
                 std::generic_category().message(errno));
  channel.socket_.Reset(sockets[0]);
  host_end.socket.Reset(sockets[1]);
  SARAI_TRY(channel.request_, SharedRegion::Create());
  SARAI_TRY(channel.response_, SharedRegion::Create());
  host_end.request = channel.request_.fd();
  host_end.response = channel.response_.fd();
  return channel;
}

Result<Channel::Reply> Channel::Call(CallKind kind, std::span<const std::byte> message,
                                     const std::vector<Tensor>& tensors, size_t data_bytes,
                                     Duration timeout) {
  const size_t begin = DataBegin(message.size());
  if (message.size() > kMessageBytesMax || data_bytes > limits_.region_bytes_max)
    return Error(Code::kInvalidArgument,
                 "a call into a backend host carries at most {} of tensors, this one has {}",
                 FormatBytes(limits_.region_bytes_max), FormatBytes(data_bytes));
  SARAI_CHECK_OK(request_.Grow(begin + data_bytes));
  const std::span<std::byte> region = request_.bytes();
  if (!message.empty()) std::memcpy(region.data(), message.data(), message.size());
  CopyData(tensors, region.subspan(begin));
  SARAI_CHECK_OK(Send(kind, message, data_bytes));
  SARAI_TRY(const Frame reply, Receive(timeout));
  SARAI_CHECK_OK(Check(reply, kind));

  const size_t reply_begin = DataBegin(reply.message_bytes);
  SARAI_CHECK_OK(response_.Map(reply_begin + reply.data_bytes));
  const std::span<const std::byte> answer = response_.bytes();
  return Reply{Reader(answer.first(reply.message_bytes)),
               answer.subspan(reply_begin, reply.data_bytes), reply.model_bytes};
}

void Channel::Trim() {
  request_.Forget(limits_.region_bytes_kept);
  response_.Forget(limits_.region_bytes_kept);
}

Status Channel::Send(CallKind kind, std::span<const std::byte> message, size_t data_bytes) {
  const Frame frame{.kind = kind,
                    .sequence = ++sequence_,
                    .message_bytes = message.size(),
                    .data_bytes = data_bytes};
  if (send(socket_.get(), &frame, sizeof(frame), MSG_NOSIGNAL) == sizeof(frame)) return {};
  return MakeStatus(Code::kUnavailable, "cannot send to the host: {}",
                    std::generic_category().message(errno));
}

Result<Frame> Channel::Receive(Duration timeout) {
  if (!AwaitReadable(socket_.get(), timeout))
    return Error(Code::kDeadlineExceeded, "no reply in time");
  Frame frame;
  const ssize_t size = recv(socket_.get(), &frame, sizeof(frame), MSG_TRUNC);
  if (size <= 0) return Error(Code::kUnavailable, "the host closed the connection");
  if (size != sizeof(frame))
    return Error(Code::kInternal, "the host sent a packet of {} bytes", size);
  return frame;
}

Status Channel::Check(const Frame& reply, CallKind kind) const {
  if (reply.magic == Frame::kMagic && reply.kind == kind && reply.sequence == sequence_ &&
      reply.message_bytes <= kMessageBytesMax && reply.data_bytes <= limits_.region_bytes_max)
    return {};
  return MakeStatus(Code::kInternal, "the host's reply does not match its call");
}

}  // namespace sarai::backends::host
