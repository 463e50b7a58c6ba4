// Bytes that somebody keeps alive: a view plus a share in its owner. Copying a Blob copies no
// bytes. This is how a tensor can point into the buffer that the network filled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sarai {

class Blob {
 public:
  Blob() = default;
  Blob(std::shared_ptr<const void> owner, std::span<const std::byte> bytes)
      : owner_(std::move(owner)), bytes_(bytes) {}

  static Blob FromString(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    return Blob(owner, std::as_bytes(std::span(*owner)));
  }
  static Blob FromVector(std::vector<std::byte> data) {
    auto owner = std::make_shared<const std::vector<std::byte>>(std::move(data));
    return Blob(owner, std::span(*owner));
  }
  static Blob Copy(std::span<const std::byte> bytes) {
    return FromVector(std::vector<std::byte>(bytes.begin(), bytes.end()));
  }

  std::span<const std::byte> bytes() const { return bytes_; }
  const std::byte* data() const { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  std::string_view text() const {
    return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
  }

  // A part of the same bytes, sharing the owner. Precondition: offset + count <= size().
  Blob Slice(size_t offset, size_t count) const {
    return Blob(owner_, bytes_.subspan(offset, count));
  }

 private:
  std::shared_ptr<const void> owner_;
  std::span<const std::byte> bytes_;
};

}  // namespace sarai
