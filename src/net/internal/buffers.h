// The three kinds of bytes that a connection holds: read but not parsed, a body that grows, and
// what is still to be written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/blob.h"
#include "net/internal/asio.h"

namespace sarai::net {

// Bytes from the socket in front of the parser. Starts small, grows up to a bound.
class ReadBuffer {
 public:
  ReadBuffer(size_t initial_bytes, size_t max_bytes);

  std::string_view data() const { return {bytes_.get() + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  bool empty() const { return begin_ == end_; }
  void Consume(size_t count);
  // Room behind the bytes, `wanted` if the bound allows; empty when the buffer is full. It is lent
  // until Commit: what is there may be consumed meanwhile.
  std::span<char> Lend(size_t wanted);
  void Commit(size_t count) {
    end_ += count;
    lent_ = false;
  }

 private:
  void Move(size_t capacity);

  const size_t max_bytes_;
  size_t capacity_;
  size_t begin_ = 0;
  size_t end_ = 0;
  bool lent_ = false;
  std::unique_ptr<char[]> bytes_;
};

// A body on its way in: one block that grows by realloc (which moves pages, not bytes, once it is
// large) and becomes the Blob's owner. Memory follows what has arrived, not what was announced.
class BodyBuffer {
 public:
  size_t size() const { return size_; }
  // Room for more of a body of `total_bytes` (or of unknown length, when 0); empty: no memory.
  std::span<char> Prepare(uint64_t total_bytes);
  void Commit(size_t count) { size_ += count; }
  [[nodiscard]] bool Append(std::string_view bytes);  // false: no memory
  Blob Release();                                     // leaves the buffer empty

 private:
  struct Free {
    void operator()(char* block) const { std::free(block); }
  };
  bool Grow(size_t capacity);

  std::unique_ptr<char, Free> block_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

// A message on its way out: a head made here and body parts owned elsewhere, written in one
// gathering call as far as the socket takes it.
class OutgoingMessage {
 public:
  // The head's text, empty, with the memory of the last one.
  std::string& StartHead();
  // The head is complete; the parts, and the text behind them, must stay until all has left.
  void Seal(std::span<const Blob> parts, std::string_view tail = {});

  bool done() const { return first_ == pending_.size(); }
  std::span<const asio::const_buffer> pending() const {
    return std::span(pending_).subspan(first_);
  }
  void Consume(size_t count);

 private:
  void Put(const void* data, size_t size);

  std::string head_;
  std::vector<asio::const_buffer> pending_;
  size_t first_ = 0;
};

}  // namespace sarai::net
