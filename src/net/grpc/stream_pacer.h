// A streaming call in which each message of the client asks for answers of its own: reads the next
// one while there is room, writes what is ready, finishes once.
//
// Its place: a part of a front's stream, which decides what is answered and in which order, and may
// hold a lock of its own while it calls anything but Step. Threads: any. Invariants: at most
// `max_requests` are under way, one Read and one Write at a time, nothing is written after the end.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "net/grpc/server.h"

namespace sarai::net {

class GrpcStreamPacer {
 public:
  GrpcStreamPacer(GrpcCallPtr call, uint32_t max_requests);

  // The client's message has been read and taken; none: it sends no more.
  void OnRead(bool any);
  bool Begin();                      // a request is under way; false: the stream has ended
  void Answer(GrpcMessage message);  // goes out after those before it
  void End();                        // a request is over: its last answer has been given
  // No more requests are read; the stream ends when those under way have.
  void Drain();
  // Ends after the answers given so far, unless it ends already; the requests are cancelled.
  void Fail(GrpcStatus status);
  bool ended() const;

  // After each of the above: writes, finishes; true: the caller should read the next message.
  [[nodiscard]] bool Step();

 private:
  bool Settle();  // mu_ held
  void Flush();

  const GrpcCallPtr call_;
  const uint32_t max_requests_;

  mutable std::mutex mu_;
  std::deque<GrpcMessage> outgoing_;       // guarded by mu_
  std::optional<GrpcStatus> ending_;       // after outgoing_; guarded by mu_
  uint32_t in_flight_ = 0;                 // guarded by mu_
  bool reading_ = false;                   // guarded by mu_
  bool no_more_ = false;                   // the client sends no more; guarded by mu_
  bool draining_ = false;                  // guarded by mu_
  bool flushing_ = false, ended_ = false;  // guarded by mu_
};

// The streams that are open, so that they can be told to end. Threads: any.
class GrpcOpenStreams {
 public:
  class Stream {
   public:
    virtual ~Stream() = default;
    virtual void Drain() = 0;
  };

  void Add(const std::shared_ptr<Stream>& stream);
  void Drain();  // also those that are added later

 private:
  std::mutex mu_;
  std::vector<std::weak_ptr<Stream>> open_;  // guarded by mu_
  size_t sweep_at_ = 64;                     // guarded by mu_
  bool draining_ = false;                    // guarded by mu_
};

}  // namespace sarai::net
