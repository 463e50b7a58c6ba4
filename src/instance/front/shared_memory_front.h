// The routes below /v2/systemsharedmemory and /v2/cudasharedmemory: regions registered, listed and
// forgotten.
//
// Threads: any; nothing here blocks but the kernel's own look at a region.
#pragma once

#include "instance/shared_memory.h"
#include "wire/http/message.h"
#include "wire/http/router.h"
#include "wire/http/uri.h"

namespace sarai::instance {

class SharedMemoryFront {
 public:
  explicit SharedMemoryFront(SharedMemory& memory);

  // Whether the path is one of its own.
  static bool Serves(const http::Target& target);
  http::Response Handle(const http::Request& request, const http::Target& target);

 private:
  enum class Call { kStatus, kRegister, kUnregister, kCudaStatus, kCudaRegister, kCudaUnregister };
  void AddRoutes(const std::string& prefix, Call status, Call add, Call remove);

  SharedMemory& memory_;
  http::Router<Call> router_;
};

}  // namespace sarai::instance
