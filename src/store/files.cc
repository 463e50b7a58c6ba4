#include "store/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "base/unique_fd.h"
#include "store/os_error.h"

namespace sarai::store {
namespace fs = std::filesystem;

Status MakeDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) == 0 || errno == EEXIST) return {};
  return OsError(errno, "making folder", path);
}

Status RemoveAll(const std::string& path) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (status.type() == fs::file_type::not_found) return {};
  if (status.type() == fs::file_type::directory) {
    fs::permissions(path, fs::perms::owner_all, error);
    for (fs::recursive_directory_iterator it(path, error), end; !error && it != end;
         it.increment(error)) {
      std::error_code ignored;
      if (it->symlink_status(ignored).type() != fs::file_type::directory) continue;
      fs::permissions(it->path(), fs::perms::owner_all, ignored);
    }
  }
  fs::remove_all(path, error);
  if (!error) return {};
  return OsError(error.value(), "removing", path);
}

Status WriteAll(int fd, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return OsError(errno, "writing", path);
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Result<std::string> ReadFile(const std::string& path, uint64_t max_bytes) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return Error(OsError(errno, "opening", path));
  std::string text;
  char buffer[16384];
  while (true) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Error(OsError(errno, "reading", path));
    if (got == 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    if (text.size() > max_bytes) {
      return Error(Code::kDataLoss, "'{}' is longer than {} bytes", path, max_bytes);
    }
  }
}

Status ReplaceFile(const std::string& path, std::string_view text, const std::string& scratch) {
  {
    const UniqueFd fd(
        ::open(scratch.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!fd.valid()) return OsError(errno, "making", scratch);
    Status written = WriteAll(fd.get(), std::as_bytes(std::span(text)), scratch);
    if (!written.ok()) {
      ::unlink(scratch.c_str());
      return written;
    }
  }
  return Rename(scratch, path);
}

Status Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return OsError(errno, "moving into place", to);
}

}  // namespace sarai::store
