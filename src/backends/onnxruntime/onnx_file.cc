#include "backends/onnxruntime/onnx_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstddef>
#include <optional>
#include <span>

#include "base/unique_fd.h"

namespace sarai::backends::ort {
namespace {

// Field numbers of onnx.proto.
constexpr uint32_t kModelGraph = 7;
constexpr uint32_t kGraphNode = 1;

// The fields of one protobuf message, one after the other.
class Fields {
 public:
  struct Field {
    uint32_t number = 0;
    std::span<const std::byte> bytes;  // of a length-delimited field
  };

  explicit Fields(std::span<const std::byte> message) : left_(message) {}

  // Nothing at the end, and where the bytes are no protobuf.
  std::optional<Field> Next() {
    const auto tag = Varint();
    if (!tag) return std::nullopt;
    Field field{.number = static_cast<uint32_t>(*tag >> 3)};
    switch (*tag & 7) {
      case 0: return Varint() ? std::optional(field) : std::nullopt;
      case 1: return Take(8) ? std::optional(field) : std::nullopt;
      case 5: return Take(4) ? std::optional(field) : std::nullopt;
      case 2: break;
      default: return std::nullopt;
    }
    const auto length = Varint();
    if (!length) return std::nullopt;
    const auto bytes = Take(*length);
    if (!bytes) return std::nullopt;
    field.bytes = *bytes;
    return field;
  }

 private:
  std::optional<std::span<const std::byte>> Take(uint64_t bytes) {
    if (bytes > left_.size()) return std::nullopt;
    const auto taken = left_.first(bytes);
    left_ = left_.subspan(bytes);
    return taken;
  }

  std::optional<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = Take(1);
      if (!byte) return std::nullopt;
      const auto bits = std::to_integer<uint64_t>(byte->front());
      value |= (bits & 0x7f) << shift;
      if (bits < 0x80) return value;
    }
    return std::nullopt;
  }

  std::span<const std::byte> left_;
};

uint64_t CountNodes(std::span<const std::byte> model) {
  uint64_t nodes = 0;
  Fields fields(model);
  while (const auto field = fields.Next()) {
    if (field->number != kModelGraph) continue;
    Fields graph(field->bytes);
    while (const auto part = graph.Next())
      if (part->number == kGraphNode) ++nodes;
  }
  return nodes;
}

}  // namespace

OnnxFile ReadOnnxFile(const std::string& path) {
  OnnxFile file;
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info{};
  if (!fd.valid() || fstat(fd.get(), &info) != 0 || info.st_size <= 0) return file;
  file.bytes = static_cast<uint64_t>(info.st_size);
  void* data = mmap(nullptr, file.bytes, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) return file;
  file.nodes = CountNodes({static_cast<const std::byte*>(data), file.bytes});
  munmap(data, file.bytes);
  return file;
}

}  // namespace sarai::backends::ort
