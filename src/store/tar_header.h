// Tells a tar stream from anything else by its first block, before any more work is spent on it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "base/status.h"
#include "store/object_store.h"

namespace sarai::store {

constexpr size_t kTarBlockBytes = 512;

// A header whose checksum is right, or the block of zeros that ends an archive.
bool IsTarHeader(std::span<const std::byte> block);

// Holds the first block back until it is known to be tar's. Error: kDataLoss, saying what the
// object looks like instead.
class TarGate {
 public:
  explicit TarGate(ByteSink tar) : tar_(std::move(tar)) {}
  Status Feed(std::span<const std::byte> bytes);
  Status Finish();

 private:
  const ByteSink tar_;
  std::vector<std::byte> head_;
  bool open_ = false;
};

}  // namespace sarai::store
