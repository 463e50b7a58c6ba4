#include "store/byte_pipe.h"

#include <algorithm>
#include <utility>

namespace sarai::store {

constexpr size_t kChunkBytes = 256 * 1024;

Status BytePipe::Push(std::span<const std::byte> bytes) {
  const size_t chunk = std::min(kChunkBytes, capacity_);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min(chunk, bytes.size()))) {
    SARAI_CHECK_OK(PushChunk(bytes.first(std::min(chunk, bytes.size()))));
  }
  return {};
}

Status BytePipe::PushChunk(std::span<const std::byte> bytes) {
  std::vector<std::byte> copy;
  {
    std::lock_guard lock(mu_);
    copy = std::exchange(spare_, {});
  }
  copy.assign(bytes.begin(), bytes.end());
  std::unique_lock lock(mu_);
  changed_.wait(lock, [&] { return reader_closed_ || waiting_bytes_ + bytes.size() <= capacity_; });
  if (reader_closed_) return *reader_closed_;
  waiting_.push_back(std::move(copy));
  waiting_bytes_ += bytes.size();
  changed_.notify_all();
  return {};
}

void BytePipe::CloseWriter(Status reason) {
  std::lock_guard lock(mu_);
  if (!writer_closed_) writer_closed_ = std::move(reason);
  changed_.notify_all();
}

Result<std::span<const std::byte>> BytePipe::Pull() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [&] { return !waiting_.empty() || writer_closed_; });
  if (writer_closed_ && !writer_closed_->ok()) return Error(*writer_closed_);
  if (waiting_.empty()) return std::span<const std::byte>();
  spare_ = std::exchange(current_, std::move(waiting_.front()));
  waiting_.pop_front();
  waiting_bytes_ -= current_.size();
  changed_.notify_all();
  return std::span<const std::byte>(current_);
}

void BytePipe::CloseReader(Status reason) {
  std::lock_guard lock(mu_);
  if (!reader_closed_) {
    reader_closed_ =
        reason.ok() ? Status(Code::kCancelled, "the reader has left") : std::move(reason);
  }
  changed_.notify_all();
}

}  // namespace sarai::store
