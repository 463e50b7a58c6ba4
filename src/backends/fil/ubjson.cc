#include "backends/fil/ubjson.h"

#include <cstdint>
#include <optional>

namespace sarai::backends::fil {
namespace {

// Bytes of a value of that type; nothing for those whose length is not in their type.
std::optional<uint64_t> FixedSize(char type) {
  switch (type) {
    case 'Z':
    case 'N':
    case 'T':
    case 'F': return 0;
    case 'i':
    case 'U':
    case 'C': return 1;
    case 'I': return 2;
    case 'l':
    case 'd': return 4;
    case 'L':
    case 'D': return 8;
    default: return std::nullopt;
  }
}

// Walks over one value and keeps inside the bytes.
class Walker {
 public:
  explicit Walker(std::string_view bytes) : bytes_(bytes) {}

  size_t at() const { return at_; }
  bool Value() { return at_ < bytes_.size() && ValueOf(bytes_[at_++]); }

 private:
  bool Skip(uint64_t count) {
    if (count > bytes_.size() - at_) return false;
    at_ += count;
    return true;
  }
  bool Take(char wanted) {
    if (at_ >= bytes_.size() || bytes_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool Size(uint64_t& size);
  bool Text() {
    uint64_t size = 0;
    return Size(size) && Skip(size);
  }
  bool ValueOf(char type);
  bool Container(char end);
  bool Counted(char type, uint64_t count, bool keys);

  std::string_view bytes_;
  size_t at_ = 0;
  int depth_ = 0;
};

// An integer of any width, big-endian as everything here; not below zero.
bool Walker::Size(uint64_t& size) {
  if (at_ >= bytes_.size()) return false;
  const char type = bytes_[at_++];
  const auto width = FixedSize(type);
  if (!width || *width == 0 || type == 'd' || type == 'D' || *width > bytes_.size() - at_)
    return false;
  for (uint64_t i = 0; i < *width; ++i) size = size << 8U | static_cast<uint8_t>(bytes_[at_++]);
  const uint64_t sign = uint64_t{1} << (8 * *width - 1);
  return type == 'U' || (size & sign) == 0;
}

bool Walker::ValueOf(char type) {
  if (const auto size = FixedSize(type)) return Skip(*size);
  if (type == 'S' || type == 'H') return Text();
  if (type != '{' && type != '[') return false;
  if (++depth_ > kUbjsonDepthMax) return false;
  const bool whole = Container(type == '{' ? '}' : ']');
  --depth_;
  return whole;
}

bool Walker::Container(char end) {
  const bool keys = end == '}';
  char type = 0;
  if (Take('$')) {
    if (at_ >= bytes_.size()) return false;
    type = bytes_[at_++];
  }
  uint64_t count = 0;
  if (Take('#')) return Size(count) && Counted(type, count, keys);
  if (type != 0) return false;  // a type needs a count
  while (!Take(end))
    if ((keys && !Text()) || !Value()) return false;
  return true;
}

bool Walker::Counted(char type, uint64_t count, bool keys) {
  const auto size = FixedSize(type);
  if (type != 0 && size && !keys)
    return *size == 0 ? count <= bytes_.size()
                      : count <= bytes_.size() / *size && Skip(count * *size);
  for (uint64_t i = 0; i < count; ++i)
    if ((keys && !Text()) || !(type == 0 ? Value() : ValueOf(type))) return false;
  return true;
}

}  // namespace

Status CheckUbjson(std::string_view bytes) {
  Walker walker(bytes);
  if (walker.Value()) return {};
  return MakeStatus(Code::kDataLoss,
                    "XGBoost: the UBJSON is damaged or cut off: {} bytes make sense only up to "
                    "byte {}",
                    bytes.size(), walker.at());
}

}  // namespace sarai::backends::fil
