// What parent and host say to each other, as bytes. A message travels at the beginning of a shared
// region, the bytes of its tensors behind it; the socket carries only a Frame that says how long
// the message is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "backends/backend.h"
#include "backends/host/byte_codec.h"
#include "base/bytes.h"
#include "base/status.h"
#include "types/model_spec.h"
#include "types/tensor.h"

namespace sarai::backends::host {

enum class CallKind : uint16_t { kHello = 1, kLoad, kPrepare, kExecute, kUnload, kTrim };

// One packet on a channel's socket, both ways.
struct Frame {
  static constexpr uint32_t kMagic = 0x53414831;  // changes with the messages' layout

  uint32_t magic = kMagic;
  CallKind kind = CallKind::kHello;
  uint16_t reserved = 0;
  uint64_t sequence = 0;       // counts the channel's calls; a reply repeats its call's
  uint64_t message_bytes = 0;  // at the region's beginning
  uint64_t data_bytes = 0;     // tensors, from DataBegin(message_bytes)
  uint64_t model_bytes = 0;    // replies: what the model holds now
};
static_assert(sizeof(Frame) == 40);

inline constexpr size_t kMessageBytesMax = 16 * kMiB;

// Where tensor data begins behind a message; each tensor begins at a multiple of kTensorAlignment.
inline constexpr size_t kTensorAlignment = 64;
size_t DataBegin(size_t message_bytes);

void WriteStatus(Writer& writer, const Status& status);
Status ReadStatus(Reader& reader);

// The parts that a backend uses: no batching, no warm-up.
void WriteSpec(Writer& writer, const ModelSpec& spec);
ModelSpec ReadSpec(Reader& reader);

void WriteSignature(Writer& writer, const Signature& signature);
Signature ReadSignature(Reader& reader);

// Names, types, shapes and places of tensors; returns how many bytes their data takes.
size_t WriteTensors(Writer& writer, const std::vector<Tensor>& tensors);
// Copies the tensors' data to where WriteTensors has placed it.
void CopyData(const std::vector<Tensor>& tensors, std::span<std::byte> data);
// The tensors share `data`. The reader fails when a tensor lies outside of it or has not the
// bytes that its type and shape say.
std::vector<Tensor> ReadTensors(Reader& reader, const Blob& data);

}  // namespace sarai::backends::host
