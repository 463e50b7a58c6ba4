// What an HTTP/2 connection has still to write: frames made here, payload owned elsewhere, in
// order.
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/blob.h"
#include "net/internal/asio.h"

namespace sarai::net {

class OutgoingBytes {
 public:
  void Copy(std::string_view bytes);
  void Share(Blob part);  // small ones are copied all the same

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  // The first of them, for one gathering write; valid until the next call of another method.
  const std::vector<asio::const_buffer>& Front();
  void Consume(size_t count);

 private:
  struct Piece {
    std::string copied;  // empty: `shared` holds the bytes
    Blob shared;
    std::string_view bytes() const { return copied.empty() ? shared.text() : copied; }
  };

  std::deque<Piece> pieces_;
  size_t skipped_ = 0;  // of the first piece: written already
  size_t size_ = 0;
  std::vector<asio::const_buffer> front_;
};

}  // namespace sarai::net
