#include "net/grpc/outgoing_bytes.h"

#include <algorithm>
#include <utility>

namespace sarai::net {
namespace {

constexpr size_t kCopiedBytes = 2048;     // a part up to here joins the piece before it
constexpr size_t kPieceBytes = 64 << 10;  // a piece takes no more when it is this long
constexpr size_t kFrontPieces = 64;       // of one write

}  // namespace

void OutgoingBytes::Copy(std::string_view bytes) {
  if (bytes.empty()) return;
  size_ += bytes.size();
  if (pieces_.empty() || pieces_.back().copied.empty() ||
      pieces_.back().copied.size() >= kPieceBytes)
    pieces_.emplace_back();
  pieces_.back().copied += bytes;
}

void OutgoingBytes::Share(Blob part) {
  if (part.size() <= kCopiedBytes) return Copy(part.text());
  size_ += part.size();
  pieces_.push_back({.copied = {}, .shared = std::move(part)});
}

const std::vector<asio::const_buffer>& OutgoingBytes::Front() {
  front_.clear();
  size_t skipped = skipped_;
  for (size_t i = 0; i < std::min(pieces_.size(), kFrontPieces); ++i) {
    const std::string_view bytes = pieces_[i].bytes().substr(std::exchange(skipped, 0));
    front_.emplace_back(bytes.data(), bytes.size());
  }
  return front_;
}

void OutgoingBytes::Consume(size_t count) {
  size_ -= count;
  while (count > 0) {
    const size_t taken = std::min(count, pieces_.front().bytes().size() - skipped_);
    skipped_ += taken;
    count -= taken;
    if (skipped_ < pieces_.front().bytes().size()) return;
    pieces_.pop_front();
    skipped_ = 0;
  }
}

}  // namespace sarai::net
