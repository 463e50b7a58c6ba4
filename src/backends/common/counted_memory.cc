#include "backends/common/counted_memory.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "backends/common/memory_account.h"
#include "base/bytes.h"

namespace sarai::backends {
namespace {

// Lies in the kCountedAlignment bytes before the block that the framework sees.
struct Header {
  std::shared_ptr<MemoryAccount> account;
  size_t total_bytes = 0;  // header included
  bool mapped = false;
};
static_assert(sizeof(Header) <= kCountedAlignment);

constexpr size_t kPageBytes = 4096;
constexpr size_t kHugePageBytes = 2 * kMiB;

size_t RoundUp(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

void* Map(size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  // Weights are written from end to end at once: huge pages save most of the page faults.
  if (bytes >= kHugePageBytes) madvise(memory, bytes, MADV_HUGEPAGE);
  return memory;
}

void* Refuse(const ScopedAccount* scope) {
  if (scope != nullptr && scope->account() != nullptr) scope->account()->CountRefusal();
  return nullptr;
}

}  // namespace

void* CountedAllocate(size_t bytes) noexcept {
  const ScopedAccount* scope = ScopedAccount::Current();
  if (bytes > kBlockBytesMax) return Refuse(scope);
  const bool mapped =
      scope != nullptr && scope->phase() == Phase::kLoad && bytes >= kMappedBytesMin;
  const size_t total = RoundUp(bytes + kCountedAlignment, mapped ? kPageBytes : kCountedAlignment);
  void* memory = mapped ? Map(total) : std::aligned_alloc(kCountedAlignment, total);
  if (memory == nullptr) return Refuse(scope);

  auto* header = new (memory) Header{scope == nullptr ? nullptr : scope->account(), total, mapped};
  if (header->account != nullptr) header->account->Add(total);
  return static_cast<std::byte*>(memory) + kCountedAlignment;
}

void CountedFree(void* block) noexcept {
  if (block == nullptr) return;
  void* memory = static_cast<std::byte*>(block) - kCountedAlignment;
  auto* header = static_cast<Header*>(memory);
  const size_t total = header->total_bytes;
  const bool mapped = header->mapped;
  if (header->account != nullptr) header->account->Subtract(total);
  header->~Header();
  if (mapped) {
    munmap(memory, total);
  } else {
    std::free(memory);
  }
}

}  // namespace sarai::backends
