#include "store/directory_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

#include "base/strings.h"
#include "store/files.h"
#include "store/os_error.h"

namespace sarai::store {

constexpr uint64_t kMaxLockFileBytes = 64;

Result<DirectoryLock> DirectoryLock::Take(const std::string& directory) {
  const std::string path = directory + "/lock";
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file.valid()) return Error(OsError(errno, "opening", path));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Error(OsError(errno, "locking", path));
    const std::string holder = ReadFile(path, kMaxLockFileBytes).value_or("");
    return Error(Code::kFailedPrecondition,
                 "'{}' is in use by process {}: give every instance a folder of its own", directory,
                 holder.empty() ? "unknown" : Trim(holder));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(file.get(), 0) != 0) return Error(OsError(errno, "writing", path));
  SARAI_CHECK_OK(WriteAll(file.get(), std::as_bytes(std::span(pid)), path));
  return DirectoryLock(std::move(file));
}

}  // namespace sarai::store
