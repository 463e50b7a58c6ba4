#include "base/byte_stream.h"

namespace sarai {

bool ByteStream::Write(Blob part) {
  std::move_only_function<void()> tell;
  {
    std::lock_guard lock(mu_);
    if (ended_ || abandoned_) return false;
    if (part.empty()) return true;  // to the reader it would look like nothing yet
    if (buffered_bytes_ > 0 && buffered_bytes_ + part.size() > max_buffered_bytes_) return false;
    buffered_bytes_ += part.size();
    parts_.push_back(std::move(part));
    tell = std::exchange(on_more_, nullptr);
  }
  if (tell) tell();
  return true;
}

void ByteStream::End(Status failure) {
  std::move_only_function<void()> tell, forget, forget_room;
  {
    std::lock_guard lock(mu_);
    if (std::exchange(ended_, true)) return;
    failure_ = std::move(failure);
    tell = std::exchange(on_more_, nullptr);
    forget = std::exchange(on_abandoned_, nullptr);
    forget_room = std::exchange(on_room_, nullptr);
  }
  if (tell) tell();
}

ByteStream::Chunk ByteStream::Read(std::move_only_function<void()> on_more) {
  std::move_only_function<void()> tell;
  Chunk chunk;
  {
    std::lock_guard lock(mu_);
    if (parts_.empty()) {
      if (ended_) return {.ended = true, .failure = failure_};
      on_more_ = std::move(on_more);
      return {};
    }
    chunk.part = std::move(parts_.front());
    parts_.pop_front();
    buffered_bytes_ -= chunk.part.size();
    if (on_room_ && buffered_bytes_ < room_below_bytes_) tell = std::exchange(on_room_, nullptr);
  }
  if (tell) tell();
  return chunk;
}

void ByteStream::Abandon() {
  std::move_only_function<void()> tell, room, forget;
  std::deque<Blob> dropped;
  {
    std::lock_guard lock(mu_);
    if (std::exchange(abandoned_, true)) return;
    dropped.swap(parts_);
    buffered_bytes_ = 0;
    tell = std::exchange(on_abandoned_, nullptr);
    room = std::exchange(on_room_, nullptr);
    forget = std::exchange(on_more_, nullptr);
  }
  if (tell) tell();
  if (room) room();
}

bool ByteStream::Lags(uint64_t bytes, std::move_only_function<void()> on_room) {
  std::lock_guard lock(mu_);
  if (abandoned_ || buffered_bytes_ < bytes) return false;
  room_below_bytes_ = bytes;
  on_room_ = std::move(on_room);
  return true;
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
