#include "backends/host/host_main.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backends/host/host_service.h"
#include "backends/host/messages.h"
#include "backends/host/shared_region.h"
#include "backends/load_library.h"
#include "base/log.h"

namespace sarai::backends::host {
namespace {

constexpr int kBadCall = 70;      // EX_SOFTWARE
constexpr int kOutOfMemory = 71;  // EX_OSERR

// The host's side of one channel.
struct HostChannel {
  UniqueFd socket;
  SharedRegion request;
  SharedRegion response;

  static HostChannel Inherit(int index) {
    const int first = kFirstFd + index * kFdsPerChannel;
    return {UniqueFd(first), SharedRegion::Adopt(UniqueFd(first + 1)),
            SharedRegion::Adopt(UniqueFd(first + 2))};
  }
};

// Ends the process without running destructors: frameworks do not survive theirs while other
// threads are inside of them.
[[noreturn]] void End(int code) { _exit(code); }

[[noreturn]] void EndBecause(int code, const std::string& why) {
  LogError("backend-host", "{}", why);
  End(code);
}

// The next call; ends the process when the parent has hung up.
Frame Receive(HostChannel& channel) {
  Frame frame;
  ssize_t size = 0;
  do {
    size = recv(channel.socket.get(), &frame, sizeof(frame), MSG_TRUNC);
  } while (size < 0 && errno == EINTR);
  if (size <= 0) End(0);
  if (size != sizeof(frame) || frame.magic != Frame::kMagic ||
      frame.message_bytes > kMessageBytesMax)
    EndBecause(kBadCall, "a packet that makes no sense");
  const Status mapped = channel.request.Map(DataBegin(frame.message_bytes) + frame.data_bytes);
  if (!mapped.ok()) EndBecause(kBadCall, mapped.message());
  return frame;
}

Result<Answer> Handle(HostService& service, const Frame& frame, std::span<const std::byte> region) {
  Reader message(region.first(frame.message_bytes));
  return service.Handle(frame.kind, message,
                        region.subspan(DataBegin(frame.message_bytes), frame.data_bytes));
}

// Lays the reply into the response region; true if there was room for it.
bool Place(HostChannel& channel, const Writer& message, const std::vector<Tensor>& tensors,
           size_t data_bytes) {
  const size_t begin = DataBegin(message.bytes().size());
  if (!channel.response.Grow(begin + data_bytes).ok()) return false;
  const std::span<std::byte> region = channel.response.bytes();
  std::memcpy(region.data(), message.bytes().data(), message.bytes().size());
  CopyData(tensors, region.subspan(begin));
  return true;
}

struct Placed {
  size_t message_bytes = 0;
  size_t data_bytes = 0;
};

Placed PlaceStatus(HostChannel& channel, const Status& status) {
  Writer message;
  WriteStatus(message, status);
  if (!Place(channel, message, {}, 0)) EndBecause(kOutOfMemory, "no memory for a reply");
  return {message.bytes().size(), 0};
}

Placed PlaceAnswer(HostChannel& channel, const Answer& answer) {
  Writer message;
  WriteStatus(message, Status());
  message.Append(answer.message);
  const size_t data_bytes = WriteTensors(message, answer.tensors);
  if (Place(channel, message, answer.tensors, data_bytes))
    return {message.bytes().size(), data_bytes};
  return PlaceStatus(channel, MakeStatus(Code::kResourceExhausted,
                                         "no shared memory for {} bytes of outputs", data_bytes));
}

void Reply(HostChannel& channel, const Frame& call, Result<Answer> answer) {
  const Placed placed =
      answer ? PlaceAnswer(channel, *answer) : PlaceStatus(channel, answer.error());
  Frame frame{.kind = call.kind,
              .sequence = call.sequence,
              .message_bytes = placed.message_bytes,
              .data_bytes = placed.data_bytes};
  if (answer) {
    answer->tensors.clear();  // outputs are no longer the model's
    if (answer->model != nullptr) frame.model_bytes = answer->model->memory_bytes();
    answer->model.reset();  // so that a later unload frees it at once
  }
  if (send(channel.socket.get(), &frame, sizeof(frame), MSG_NOSIGNAL) != sizeof(frame)) End(0);
}

[[noreturn]] void Serve(HostService& service, HostChannel channel) {
  while (true) {
    const Frame frame = Receive(channel);
    Reply(channel, frame, Handle(service, frame, channel.request.bytes()));
  }
}

// Nobody but the parent ends a host: a terminal's Ctrl-C and a service manager's SIGTERM reach it,
// too, while its parent still drains.
void LeaveEndingToTheParent() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) signal(number, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
}

// When memory runs out the kernel should take the host: that costs its models, not the instance.
void OfferToTheOomKiller() {
  if (std::FILE* file = std::fopen("/proc/self/oom_score_adj", "w")) {
    std::fputs("300\n", file);
    std::fclose(file);
  }
}

}  // namespace

int RunBackendHost(const HostArguments& arguments) {
  LeaveEndingToTheParent();
  if (getppid() != arguments.parent_pid) return 0;  // it died before prctl took effect
  OfferToTheOomKiller();
  HostService service(LoadBackendLibrary(arguments.library, arguments.options));
  std::vector<std::thread> threads;
  for (int i = 0; i < arguments.channels; ++i) {
    threads.emplace_back([&service, i] { Serve(service, HostChannel::Inherit(i)); });
    const std::string name = fmt::format("channel-{}", i);
    pthread_setname_np(threads.back().native_handle(), name.c_str());
  }
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace sarai::backends::host
