// Undoes gzip or zstd, whichever the first bytes say; anything else passes unchanged. Checks the
// checksums and that the stream is whole, and stops at `max_bytes` of output.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/status.h"
#include "store/object_store.h"

namespace sarai::store {

class Decompressor {
 public:
  Decompressor(ByteSink plain, uint64_t max_bytes);
  ~Decompressor();

  Status Feed(std::span<const std::byte> bytes);
  Status Finish();  // after the last byte; kDataLoss when the stream ends too early

  // One compression format at work.
  class Codec {
   public:
    virtual ~Codec() = default;
    virtual Status Feed(std::span<const std::byte> bytes, const ByteSink& plain) = 0;
    virtual Status Finish() = 0;
  };

 private:
  Status Start();

  const ByteSink plain_;  // counts, then hands on
  uint64_t left_bytes_;
  std::vector<std::byte> head_;   // until the format is known
  std::unique_ptr<Codec> codec_;  // null until then
};

}  // namespace sarai::store
