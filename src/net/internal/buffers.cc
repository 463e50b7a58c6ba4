#include "net/internal/buffers.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace sarai::net {
namespace {

constexpr size_t kFirstBodyBytes = 1 << 20;       // taken at once for an announced body
constexpr size_t kFirstOpenBodyBytes = 16 << 10;  // for one of unknown length

}  // namespace

ReadBuffer::ReadBuffer(size_t initial_bytes, size_t max_bytes)
    : max_bytes_(std::max(initial_bytes, max_bytes)),
      capacity_(initial_bytes),
      bytes_(std::make_unique_for_overwrite<char[]>(initial_bytes)) {}

void ReadBuffer::Consume(size_t count) {
  begin_ += count;
  if (begin_ == end_ && !lent_) begin_ = end_ = 0;
}

std::span<char> ReadBuffer::Lend(size_t wanted) {
  if (empty()) begin_ = end_ = 0;
  wanted = std::min(wanted, max_bytes_ - size());
  if (capacity_ - end_ < wanted) {
    size_t capacity = capacity_;
    while (capacity - size() < wanted) capacity = std::min(capacity * 2, max_bytes_);
    Move(capacity);
  }
  lent_ = wanted > 0;
  return {bytes_.get() + end_, lent_ ? capacity_ - end_ : 0};
}

void ReadBuffer::Move(size_t capacity) {
  const size_t count = size();
  if (capacity == capacity_) {
    std::memmove(bytes_.get(), bytes_.get() + begin_, count);
  } else {
    auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
    std::memcpy(bytes.get(), bytes_.get() + begin_, count);
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }
  begin_ = 0;
  end_ = count;
}

std::span<char> BodyBuffer::Prepare(uint64_t total_bytes) {
  if (size_ == capacity_) {
    const size_t first = total_bytes > 0 ? kFirstBodyBytes : kFirstOpenBodyBytes;
    size_t capacity = std::max(first, capacity_ * 2);
    if (total_bytes > size_) capacity = std::min<uint64_t>(capacity, total_bytes);
    if (!Grow(capacity)) return {};
  }
  size_t room = capacity_ - size_;
  if (total_bytes > 0) room = std::min<uint64_t>(room, total_bytes - size_);
  return {block_.get() + size_, room};
}

bool BodyBuffer::Append(std::string_view bytes) {
  if (bytes.empty()) return true;
  if (capacity_ - size_ < bytes.size()) {
    // The first piece of a small body is the whole body: take no more than it needs.
    const size_t wanted = size_ + bytes.size();
    if (!Grow(size_ == 0 ? wanted : std::max(wanted, capacity_ * 2))) return false;
  }
  std::memcpy(block_.get() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
  return true;
}

bool BodyBuffer::Grow(size_t capacity) {
  char* grown = static_cast<char*>(std::realloc(block_.get(), capacity));
  if (grown == nullptr) return false;
  static_cast<void>(block_.release());  // realloc has freed or kept it
  block_.reset(grown);
  capacity_ = capacity;
  return true;
}

Blob BodyBuffer::Release() {
  if (size_ == 0) return {};
  const auto bytes = std::as_bytes(std::span(block_.get(), size_));
  std::shared_ptr<const void> owner(block_.release(), [](void* block) { std::free(block); });
  size_ = capacity_ = 0;
  return Blob(std::move(owner), bytes);
}

std::string& OutgoingMessage::StartHead() {
  head_.clear();
  pending_.clear();
  first_ = 0;
  return head_;
}

void OutgoingMessage::Seal(std::span<const Blob> parts, std::string_view tail) {
  Put(head_.data(), head_.size());
  for (const Blob& part : parts) Put(part.data(), part.size());
  Put(tail.data(), tail.size());
}

void OutgoingMessage::Put(const void* data, size_t size) {
  if (size > 0) pending_.emplace_back(data, size);
}

void OutgoingMessage::Consume(size_t count) {
  while (count > 0) {
    asio::const_buffer& front = pending_[first_];
    const size_t taken = std::min(count, front.size());
    front += taken;
    count -= taken;
    if (front.size() == 0) ++first_;
  }
}

}  // namespace sarai::net
