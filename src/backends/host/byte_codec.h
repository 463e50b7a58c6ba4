// Numbers and strings as bytes, little-endian, and back. The reader believes nothing: what does not
// fit makes it fail for good, and every length is checked against the bytes that are left.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sarai::backends::host {

class Writer {
 public:
  template <std::integral T>
  void Number(T value) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof(value));
  }
  void Text(std::string_view text) {
    Number<uint64_t>(text.size());
    const auto* bytes = reinterpret_cast<const std::byte*>(text.data());
    bytes_.insert(bytes_.end(), bytes, bytes + text.size());
  }
  void Append(const Writer& other) {
    bytes_.insert(bytes_.end(), other.bytes_.begin(), other.bytes_.end());
  }
  // A count, then each element by `write(element)`.
  template <typename List, typename Write>
  void Each(const List& list, Write write) {
    Number<uint64_t>(list.size());
    for (const auto& element : list) write(element);
  }

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : left_(bytes) {}

  template <std::integral T>
  T Number() {
    T value{};
    if (!Has(sizeof(value))) return value;
    std::memcpy(&value, left_.data(), sizeof(value));
    left_ = left_.subspan(sizeof(value));
    return value;
  }
  std::string Text() {
    const auto size = Number<uint64_t>();
    if (!Has(size)) return {};
    std::string text(reinterpret_cast<const char*>(left_.data()), size);
    left_ = left_.subspan(size);
    return text;
  }
  // Calls `read()` as often as the count says; an element takes at least one byte, so a count
  // beyond the bytes left is a lie.
  template <typename Read>
  void Each(Read read) {
    const auto count = Number<uint64_t>();
    if (!Has(count)) return;
    for (uint64_t i = 0; i < count && ok_; ++i) read();
  }
  void Fail() { ok_ = false; }

  bool ok() const { return ok_; }

 private:
  bool Has(uint64_t bytes) {
    if (bytes > left_.size()) ok_ = false;
    return ok_;
  }

  std::span<const std::byte> left_;
  bool ok_ = true;
};

}  // namespace sarai::backends::host
