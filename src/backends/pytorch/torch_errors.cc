#include "backends/pytorch/torch_errors.h"

#include <c10/util/Exception.h>

#include <exception>
#include <new>
#include <string>

#include "backends/common/memory_account.h"

namespace sarai::backends::torchscript {
namespace {

constexpr size_t kMessageBytesMax = 2048;

std::string CurrentMessage() {
  try {
    throw;
  } catch (const c10::Error& error) {
    return error.what_without_backtrace();
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception of unknown type";
  }
}

bool IsBadAlloc() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return true;
  } catch (...) {
    // The interpreter wraps it in an error of its own; our allocator has counted the refusal.
    const ScopedAccount* scope = ScopedAccount::Current();
    return scope != nullptr && scope->ran_out_of_memory();
  }
}

}  // namespace

Status CurrentException(Code code) {
  const std::string message = CurrentMessage().substr(0, kMessageBytesMax);
  return MakeStatus(IsBadAlloc() ? Code::kResourceExhausted : code, "PyTorch: {}", message);
}

}  // namespace sarai::backends::torchscript
