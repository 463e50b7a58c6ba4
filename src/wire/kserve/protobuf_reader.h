// Protobuf's wire format, read field by field over bytes that stay where they are.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"

namespace sarai::kserve::grpc {

struct ProtobufField {
  uint32_t number = 0;
  int wire_type = 0;       // 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes
  uint64_t value = 0;      // of types 0, 1 and 5
  std::string_view bytes;  // of type 2
};

class ProtobufReader {
 public:
  explicit ProtobufReader(std::string_view bytes) : rest_(bytes) {}

  // Nothing = the end, or bytes that are no message: see failed().
  std::optional<ProtobufField> Next() {
    if (rest_.empty() || failed_) return std::nullopt;
    ProtobufField field;
    const uint64_t tag = Varint();
    field.number = static_cast<uint32_t>(tag >> 3);
    field.wire_type = static_cast<int>(tag & 7);
    if (field.number == 0 || (tag >> 32) != 0) failed_ = true;
    switch (field.wire_type) {
      case 0: field.value = Varint(); break;
      case 1: field.value = Fixed(8); break;
      case 2: field.bytes = Take(Varint()); break;
      case 5: field.value = Fixed(4); break;
      default: failed_ = true;  // groups, and what is not defined
    }
    if (failed_) return std::nullopt;
    return field;
  }

  uint64_t Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<uint8_t>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    failed_ = true;
    return 0;
  }

  uint64_t Fixed(size_t size) {
    const std::string_view bytes = Take(size);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i)
      value |= static_cast<uint64_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    return value;
  }

  bool empty() const { return rest_.empty(); }
  bool failed() const { return failed_; }

 private:
  std::string_view Take(uint64_t size) {
    if (size > rest_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::string_view rest_;
  bool failed_ = false;
};

// Calls take(field) -> Status for each field; `what` names the message in errors.
template <typename Take>
Status ForEachField(std::string_view bytes, std::string_view what, Take take) {
  ProtobufReader reader(bytes);
  while (const auto field = reader.Next()) SARAI_CHECK_OK(take(*field));
  if (!reader.failed()) return {};
  return MakeStatus(Code::kInvalidArgument, "{} is not a valid protobuf message", what);
}

// Calls take(number) for each of a repeated number's values, packed or not. False: malformed.
template <typename Take>
bool ForEachNumber(const ProtobufField& field, int wire_type, Take take) {
  if (field.wire_type == wire_type) return take(field.value), true;
  if (field.wire_type != 2) return false;
  ProtobufReader reader(field.bytes);
  while (!reader.empty() && !reader.failed()) {
    const uint64_t value = wire_type == 0 ? reader.Varint() : reader.Fixed(wire_type == 1 ? 8 : 4);
    if (!reader.failed()) take(value);
  }
  return !reader.failed();
}

}  // namespace sarai::kserve::grpc
