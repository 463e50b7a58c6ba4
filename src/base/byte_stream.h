// A body that is still being made: parts go in at one end and come out at the other, in order. For
// server-sent events and event streams.
//
// Its place: a front end writes, the transport reads; or, for an answer that is passed on, the
// other way round. Threads: any on both sides. Invariants: the reader's callback runs only between
// a Read that found nothing and the next one; nothing is written after End; a stream whose reader
// has gone (Abandon) takes no more.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "base/blob.h"
#include "base/status.h"

namespace sarai {

class ByteStream {
 public:
  // `max_buffered_bytes`: what may wait for a slow reader before Write refuses.
  explicit ByteStream(uint64_t max_buffered_bytes = 64ull << 20)
      : max_buffered_bytes_(max_buffered_bytes) {}

  // False: the reader has gone or is too slow, or the stream has ended. The part is dropped and the
  // writer should stop making more.
  bool Write(Blob part);
  // The last part has been written. `failure` tells the reader that something is missing.
  void End(Status failure = {});

  struct Chunk {
    Blob part;           // empty when there is nothing to read yet, or at the end
    bool ended = false;  // nothing follows
    Status failure;      // with `ended`
  };
  // The next part. When there is none yet, `on_more` is called once, from the writer's thread,
  // when there is; it must not block.
  Chunk Read(std::move_only_function<void()> on_more);

  // The reader has gone. Idempotent; `on_abandoned` is called once, on this thread.
  void Abandon();
  // Called once when the reader goes; inside this call when it already has.
  void OnAbandoned(std::move_only_function<void()> callback);

  // For a writer that can wait: false when less than `bytes` are buffered; otherwise `on_room` is
  // called once, from the reader's thread, when that is so, or when the reader goes.
  bool Lags(uint64_t bytes, std::move_only_function<void()> on_room);

 private:
  const uint64_t max_buffered_bytes_;

  std::mutex mu_;
  std::deque<Blob> parts_;                        // guarded by mu_
  uint64_t buffered_bytes_ = 0;                   // guarded by mu_
  bool ended_ = false, abandoned_ = false;        // guarded by mu_
  Status failure_;                                // guarded by mu_
  std::move_only_function<void()> on_more_;       // guarded by mu_
  std::move_only_function<void()> on_abandoned_;  // guarded by mu_
  std::move_only_function<void()> on_room_;       // guarded by mu_
  uint64_t room_below_bytes_ = 0;                 // what on_room_ waits for; guarded by mu_
};

using ByteStreamPtr = std::shared_ptr<ByteStream>;

}  // namespace sarai
