// Protobuf's wire format, written: a text that grows, and large bytes that are not copied.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/blob.h"
#include "types/inference.h"

namespace sarai::kserve::grpc {

inline void WriteVarint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}
inline void WriteTag(std::string& out, uint32_t number, int wire_type) {
  WriteVarint(out, (static_cast<uint64_t>(number) << 3) | static_cast<uint64_t>(wire_type));
}
inline void WriteBytes(std::string& out, uint32_t number, std::string_view bytes) {
  WriteTag(out, number, 2);
  WriteVarint(out, bytes.size());
  out += bytes;
}
// Empty ones are not written, as proto3 has it.
inline void WriteText(std::string& out, uint32_t number, std::string_view text) {
  if (!text.empty()) WriteBytes(out, number, text);
}
inline void WriteShape(std::string& out, uint32_t number, const std::vector<int64_t>& shape) {
  std::string packed;
  for (const int64_t dim : shape) WriteVarint(packed, static_cast<uint64_t>(dim));
  WriteText(out, number, packed);
}

// One entry of map<string, InferParameter>.
void WriteParameter(std::string& out, uint32_t number, std::string_view key,
                    const Parameter& value);
void WriteParameters(std::string& out, uint32_t number, const Parameters& parameters);

void WriteSharedMemory(std::string& out, uint32_t number, const SharedMemoryUse& place);
// Name, datatype and shape of a tensor message.
void WriteTensorHead(std::string& out, const Tensor& tensor);

inline constexpr char kFinalResponse[] = "triton_final_response";

// A message as parts.
class PartsWriter {
 public:
  std::string& text() { return text_; }
  void AddBlob(uint32_t number, const Blob& blob) {
    WriteTag(text_, number, 2);
    WriteVarint(text_, blob.size());
    if (blob.empty()) return;
    Flush();
    size_ += blob.size();
    parts_.push_back(blob);
  }
  // `head` goes before everything; it may need the size of what follows it.
  uint64_t size() const { return size_ + text_.size(); }
  std::vector<Blob> Finish(std::string head = {}) {
    if (parts_.empty()) return {Blob::FromString(std::move(head) + text_)};
    Flush();
    if (!head.empty()) parts_.insert(parts_.begin(), Blob::FromString(std::move(head)));
    return std::move(parts_);
  }

 private:
  void Flush() {
    if (text_.empty()) return;
    size_ += text_.size();
    parts_.push_back(Blob::FromString(std::exchange(text_, {})));
  }

  std::string text_;
  uint64_t size_ = 0;  // of parts_
  std::vector<Blob> parts_;
};

}  // namespace sarai::kserve::grpc
