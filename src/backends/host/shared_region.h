// Memory that parent and host both map: one direction of one channel.
//
// Its file only ever grows (the kernel refuses anything else), so a mapped byte stays readable
// whatever the other side does. One thread at a time.
#pragma once

#include <cstddef>
#include <span>

#include "base/status.h"
#include "base/unique_fd.h"

namespace sarai::backends::host {

class SharedRegion {
 public:
  SharedRegion() = default;
  ~SharedRegion();
  SharedRegion(SharedRegion&& other) noexcept;
  SharedRegion& operator=(SharedRegion&& other) noexcept;

  static Result<SharedRegion> Create();
  static SharedRegion Adopt(UniqueFd fd);

  // The writer's side: makes the region at least this large. Errors: kResourceExhausted.
  Status Grow(size_t bytes);
  // The reader's side: maps what the writer has written. Errors: kInternal when the region is
  // smaller than it was said to be.
  Status Map(size_t bytes);
  // Gives the memory beyond the first `bytes` back to the system. The region keeps its size.
  void Forget(size_t bytes);

  std::span<std::byte> bytes() const { return {data_, size_}; }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;  // mapped
};

}  // namespace sarai::backends::host
