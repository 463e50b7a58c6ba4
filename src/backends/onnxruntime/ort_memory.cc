#include "backends/onnxruntime/ort_memory.h"

#include <cstddef>
#include <mutex>
#include <new>
#include <unordered_set>

#include "backends/common/counted_memory.h"
#include "backends/common/memory_account.h"
#include "backends/onnxruntime/import_redirect.h"

namespace sarai::backends::ort {
namespace {

// Which blocks are ours: what the library took outside of loads is freed through the same import.
// Only tensors of the built-in allocator come this way, so it is asked for few pointers.
class CountedBlocks {
 public:
  void Add(void* block) {
    const std::lock_guard lock(mu_);
    blocks_.insert(block);
  }
  bool Remove(void* block) {
    const std::lock_guard lock(mu_);
    return blocks_.erase(block) > 0;
  }

 private:
  std::mutex mu_;
  std::unordered_set<void*> blocks_;  // guarded by mu_
};

// Never destroyed: the library frees blocks until the process ends.
CountedBlocks& Blocks() {
  static auto* blocks = new CountedBlocks;
  return *blocks;
}

// Aligned operator new and delete as the library sees them. Ordinary new is left alone: what it
// gives may be freed by other libraries' code.
void* AlignedNew(size_t bytes, std::align_val_t alignment) {
  const ScopedAccount* scope = ScopedAccount::Current();
  if (scope == nullptr || scope->phase() != Phase::kLoad ||
      static_cast<size_t>(alignment) > kCountedAlignment)
    return ::operator new(bytes, alignment);
  void* block = CountedAllocate(bytes);
  if (block == nullptr) throw std::bad_alloc();
  Blocks().Add(block);
  return block;
}

void AlignedDelete(void* block, std::align_val_t alignment) {
  if (block != nullptr && Blocks().Remove(block)) {
    CountedFree(block);
  } else {
    ::operator delete(block, alignment);
  }
}

void SizedAlignedDelete(void* block, size_t, std::align_val_t alignment) {
  AlignedDelete(block, alignment);
}

}  // namespace

bool CountLibraryMemory(void* library) {
  // The deletes first: nothing of ours may ever reach the real ones.
  const auto redirect = [library](const char* symbol, auto* function) {
    return RedirectImport(library, symbol, reinterpret_cast<void*>(function));
  };
  const int deletes = redirect("_ZdlPvSt11align_val_t", &AlignedDelete) +
                      redirect("_ZdlPvmSt11align_val_t", &SizedAlignedDelete);
  return deletes > 0 && redirect("_ZnwmSt11align_val_t", &AlignedNew) > 0;
}

}  // namespace sarai::backends::ort
