// The allocator that backends give their framework: books every block on the account in force
// (memory_account.h) and takes it off again when it is freed, from whichever thread.
//
// Large blocks of the load phase are mappings of their own: weights go back to the system the
// moment they are freed, and leave no holes in the heap. Everything else comes from the heap, where
// the memory of one run is still warm for the next.
#pragma once

#include <cstddef>

#include "base/bytes.h"

namespace sarai::backends {

inline constexpr size_t kCountedAlignment = 64;        // bytes; of every block
inline constexpr size_t kMappedBytesMin = 256 * kKiB;  // load phase: blocks from here on are mapped

inline constexpr size_t kBlockBytesMax = size_t{1} << 39;  // who asks for more is mistaken

// Null when the system refuses. A block of 0 bytes is a block all the same.
void* CountedAllocate(size_t bytes) noexcept;
void CountedFree(void* block) noexcept;  // null is allowed

}  // namespace sarai::backends
