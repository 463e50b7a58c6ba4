#include "wire/kserve/grpc_contents.h"

#include <cstddef>
#include <optional>

#include "base/status.h"
#include "wire/kserve/protobuf_reader.h"

namespace sarai::kserve::grpc {
namespace {

// Where elements of a type are found: the field, its numbers' wire type, bytes per element here.
struct List {
  uint32_t field = 0;
  int wire_type = 0;
  size_t element_bytes = 0;
  std::string_view name;
};

std::optional<List> ListOf(DataType type) {
  const size_t bytes = ElementSize(type);
  switch (type) {
    case DataType::kBool: return List{1, 0, bytes, "bool_contents"};
    case DataType::kInt8:
    case DataType::kInt16:
    case DataType::kInt32: return List{2, 0, bytes, "int_contents"};
    case DataType::kInt64: return List{3, 0, bytes, "int64_contents"};
    case DataType::kUint8:
    case DataType::kUint16:
    case DataType::kUint32: return List{4, 0, bytes, "uint_contents"};
    case DataType::kUint64: return List{5, 0, bytes, "uint64_contents"};
    case DataType::kFp32: return List{6, 5, bytes, "fp32_contents"};
    case DataType::kFp64: return List{7, 1, bytes, "fp64_contents"};
    case DataType::kBytes: return List{8, 2, 0, "bytes_contents"};
    default: return std::nullopt;
  }
}

class Collector {
 public:
  Collector(List list, DataType type, uint64_t max_bytes)
      : list_(list), type_(type), max_bytes_(max_bytes) {}

  Status Add(const ProtobufField& field) {
    if (field.number != list_.field)
      return MakeStatus(Code::kInvalidArgument, "unexpected explicit tensor data: {} belongs in {}",
                        DataTypeName(type_), list_.name);
    if (list_.wire_type == 2) return AddBytes(field);
    if (list_.wire_type != 0 && field.wire_type == 2) return AddPacked(field.bytes);
    const bool good = ForEachNumber(field, list_.wire_type,
                                    [this](uint64_t value) { Append(value, list_.element_bytes); });
    return good ? CheckSize() : Malformed();
  }

  std::vector<std::byte> Take() { return std::move(bytes_); }

 private:
  Status AddBytes(const ProtobufField& field) {
    if (field.wire_type != 2) return Malformed();
    Append(field.bytes.size(), 4);
    const auto* const begin = reinterpret_cast<const std::byte*>(field.bytes.data());
    bytes_.insert(bytes_.end(), begin, begin + field.bytes.size());
    return CheckSize();
  }
  // Packed floats lie as a tensor's do.
  Status AddPacked(std::string_view packed) {
    if (packed.size() % list_.element_bytes != 0) return Malformed();
    const auto* const begin = reinterpret_cast<const std::byte*>(packed.data());
    bytes_.insert(bytes_.end(), begin, begin + packed.size());
    return CheckSize();
  }
  // Narrowed as in Triton: the low bytes.
  void Append(uint64_t value, size_t count) {
    if (bytes_.size() > max_bytes_) return;
    if (list_.field == 1) value = value != 0 ? 1 : 0;
    for (size_t i = 0; i < count; ++i)
      bytes_.push_back(static_cast<std::byte>((value >> (8 * i)) & 0xFF));
  }
  Status CheckSize() const {
    if (bytes_.size() <= max_bytes_) return {};
    return MakeStatus(Code::kInvalidArgument,
                      "its contents take more than the {} bytes allowed: send them raw",
                      max_bytes_);
  }
  Status Malformed() const {
    return MakeStatus(Code::kInvalidArgument, "its {} are malformed", list_.name);
  }

  const List list_;
  const DataType type_;
  const uint64_t max_bytes_;
  std::vector<std::byte> bytes_;
};

}  // namespace

Result<Blob> ReadContents(const std::vector<std::string_view>& contents, DataType type,
                          uint64_t max_bytes) {
  const auto list = ListOf(type);
  if (!list)
    return Error(Code::kInvalidArgument,
                 "unexpected explicit tensor data: {} travels only in raw_input_contents",
                 DataTypeName(type));
  Collector collector(*list, type, max_bytes);
  for (const std::string_view part : contents)
    SARAI_CHECK_OK(ForEachField(part, "its contents", [&collector](const ProtobufField& field) {
      return collector.Add(field);
    }));
  return Blob::FromVector(collector.Take());
}

}  // namespace sarai::kserve::grpc
