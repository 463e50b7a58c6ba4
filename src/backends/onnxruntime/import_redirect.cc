#include "backends/onnxruntime/import_redirect.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <span>

namespace sarai::backends::ort {
namespace {

// NOLINTBEGIN(performance-no-int-to-ptr): addresses of a loaded library come as numbers

// The parts of a library's dynamic section that name its imports.
struct Imports {
  std::span<const ElfW(Rela)> data;   // function addresses taken, and calls without a PLT
  std::span<const ElfW(Rela)> calls;  // calls through the PLT
  const ElfW(Sym) * symbols = nullptr;
  const char* names = nullptr;
};

Imports ReadImports(const link_map& map) {
  Imports imports;
  const ElfW(Rela)* data = nullptr;
  const ElfW(Rela)* calls = nullptr;
  size_t data_bytes = 0;
  size_t calls_bytes = 0;
  for (const ElfW(Dyn)* entry = map.l_ld; entry->d_tag != DT_NULL; ++entry) {
    const ElfW(Addr) address = entry->d_un.d_ptr;
    switch (entry->d_tag) {
      case DT_RELA: data = reinterpret_cast<const ElfW(Rela)*>(address); break;
      case DT_RELASZ: data_bytes = entry->d_un.d_val; break;
      case DT_JMPREL: calls = reinterpret_cast<const ElfW(Rela)*>(address); break;
      case DT_PLTRELSZ: calls_bytes = entry->d_un.d_val; break;
      case DT_SYMTAB: imports.symbols = reinterpret_cast<const ElfW(Sym)*>(address); break;
      case DT_STRTAB: imports.names = reinterpret_cast<const char*>(address); break;
      default: break;
    }
  }
  if (data != nullptr) imports.data = {data, data_bytes / sizeof(*data)};
  if (calls != nullptr) imports.calls = {calls, calls_bytes / sizeof(*calls)};
  return imports;
}

bool Store(void** slot, void* value) {
  const auto page_bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  void* page = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(slot) & ~(page_bytes - 1));
  // The loader may have made it read-only after binding. It stays writable: the page may hold other
  // slots that are still to be bound.
  if (mprotect(page, page_bytes, PROT_READ | PROT_WRITE) != 0) return false;
  __atomic_store_n(slot, value, __ATOMIC_RELEASE);
  return true;
}

int Redirect(const Imports& imports, std::span<const ElfW(Rela)> relocations, ElfW(Addr) base,
             std::string_view symbol, void* replacement) {
  int slots = 0;
  for (const ElfW(Rela) & relocation : relocations) {
    const auto index = ELF64_R_SYM(relocation.r_info);
    if (index == 0 || symbol != imports.names + imports.symbols[index].st_name) continue;
    if (Store(reinterpret_cast<void**>(base + relocation.r_offset), replacement)) ++slots;
  }
  return slots;
}

// NOLINTEND(performance-no-int-to-ptr)

}  // namespace

int RedirectImport(void* library, std::string_view symbol, void* replacement) {
  link_map* map = nullptr;
  if (dlinfo(library, RTLD_DI_LINKMAP, static_cast<void*>(&map)) != 0 || map == nullptr) return 0;
  const Imports imports = ReadImports(*map);
  if (imports.symbols == nullptr || imports.names == nullptr) return 0;
  return Redirect(imports, imports.calls, map->l_addr, symbol, replacement) +
         Redirect(imports, imports.data, map->l_addr, symbol, replacement);
}

}  // namespace sarai::backends::ort
