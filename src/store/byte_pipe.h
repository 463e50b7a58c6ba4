// Turns a push into a pull: one thread pushes bytes, another pulls them, at most `capacity` bytes
// wait between the two. Either side can end the stream with a reason that the other side then gets.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/status.h"

namespace sarai::store {

class BytePipe {
 public:
  explicit BytePipe(size_t capacity_bytes) : capacity_(capacity_bytes) {}

  // Writer. Waits for room; the reader's reason once that has closed.
  Status Push(std::span<const std::byte> bytes);
  void CloseWriter(Status reason);  // OK = the stream ends here

  // Reader. The bytes stay valid until the next Pull; empty at the end; else the writer's reason.
  Result<std::span<const std::byte>> Pull();
  void CloseReader(Status reason);

 private:
  Status PushChunk(std::span<const std::byte> bytes);

  const size_t capacity_;
  std::mutex mu_;
  std::condition_variable changed_;
  std::deque<std::vector<std::byte>> waiting_;  // guarded by mu_
  std::vector<std::byte> spare_;                // guarded by mu_: a buffer to use again
  size_t waiting_bytes_ = 0;                    // guarded by mu_
  std::optional<Status> writer_closed_;         // guarded by mu_
  std::optional<Status> reader_closed_;         // guarded by mu_
  std::vector<std::byte> current_;              // the reader's only
};

}  // namespace sarai::store
