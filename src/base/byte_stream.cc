#include "base/byte_stream.h"

namespace sarai {

bool ByteStream::Write(Blob part) {
  std::move_only_function<void()> tell;
  {
    std::lock_guard lock(mu_);
    if (ended_ || abandoned_) return false;
    if (buffered_bytes_ > 0 && buffered_bytes_ + part.size() > max_buffered_bytes_) return false;
    buffered_bytes_ += part.size();
    parts_.push_back(std::move(part));
    tell = std::exchange(on_more_, nullptr);
  }
  if (tell) tell();
  return true;
}

void ByteStream::End(Status failure) {
  std::move_only_function<void()> tell, forget;
  {
    std::lock_guard lock(mu_);
    if (std::exchange(ended_, true)) return;
    failure_ = std::move(failure);
    tell = std::exchange(on_more_, nullptr);
    forget = std::exchange(on_abandoned_, nullptr);
  }
  if (tell) tell();
}

ByteStream::Chunk ByteStream::Read(std::move_only_function<void()> on_more) {
  std::lock_guard lock(mu_);
  if (!parts_.empty()) {
    Chunk chunk{.part = std::move(parts_.front())};
    parts_.pop_front();
    buffered_bytes_ -= chunk.part.size();
    return chunk;
  }
  if (ended_) return {.ended = true, .failure = failure_};
  on_more_ = std::move(on_more);
  return {};
}

void ByteStream::Abandon() {
  std::move_only_function<void()> tell, forget;
  std::deque<Blob> dropped;
  {
    std::lock_guard lock(mu_);
    if (std::exchange(abandoned_, true)) return;
    dropped.swap(parts_);
    buffered_bytes_ = 0;
    tell = std::exchange(on_abandoned_, nullptr);
    forget = std::exchange(on_more_, nullptr);
  }
  if (tell) tell();
}

void ByteStream::OnAbandoned(std::move_only_function<void()> callback) {
  {
    std::lock_guard lock(mu_);
    if (ended_ && !abandoned_) return;
    if (!abandoned_) {
      on_abandoned_ = std::move(callback);
      return;
    }
  }
  callback();
}

}  // namespace sarai
