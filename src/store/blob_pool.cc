#include "store/blob_pool.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/unique_fd.h"
#include "store/files.h"
#include "store/os_error.h"
#include "store/sha256.h"

namespace sarai::store {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kExecutableSuffix = ".x";

mode_t ModeOf(const FileContent& content) { return content.executable ? 0555 : 0444; }

bool IsBlobName(std::string_view name, std::string_view folder) {
  if (name.ends_with(kExecutableSuffix)) name.remove_suffix(kExecutableSuffix.size());
  return IsSha256Hex(name) && name.starts_with(folder) && folder.size() == 2;
}

// A file of its own where a hard link will not do: nothing to share, or too many links.
Status MakeCopy(const std::string& from, const FileContent& content, const std::string& path) {
  std::error_code error;
  if (content.size > 0) {
    fs::copy_file(from, path, error);
    if (error) return OsError(error.value(), "copying to", path);
    return {};
  }
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd.valid() || ::fchmod(fd.get(), ModeOf(content)) != 0) {
    return OsError(errno, "making", path);
  }
  return {};
}

}  // namespace

std::string BlobPool::Name(const FileContent& content) {
  std::string name = content.sha256;
  if (content.executable) name += kExecutableSuffix;
  return name;
}

std::string BlobPool::PathOf(std::string_view name) const {
  return fmt::format("{}/{}/{}", directory_, name.substr(0, 2), name);
}

Status BlobPool::Open() {
  SARAI_CHECK_OK(MakeDirectory(directory_));
  std::error_code error;
  for (fs::directory_iterator it(directory_, error), end; !error && it != end;
       it.increment(error)) {
    SARAI_CHECK_OK(OpenFolder(it->path().filename().string()));
  }
  return error ? OsError(error.value(), "reading folder", directory_) : Status();
}

Status BlobPool::OpenFolder(const std::string& folder) {
  std::error_code error;
  const std::string path = directory_ + '/' + folder;
  std::vector<std::string> strangers;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    struct stat info{};
    if (!IsBlobName(name, folder) || ::lstat(it->path().c_str(), &info) != 0 ||
        !S_ISREG(info.st_mode)) {
      strangers.push_back(it->path().string());
      continue;
    }
    blobs_[name] = {.size = static_cast<uint64_t>(info.st_size)};
    used_bytes_ += static_cast<uint64_t>(info.st_size);
  }
  if (error) return OsError(error.value(), "reading folder", path);
  for (const std::string& stranger : strangers) SARAI_CHECK_OK(RemoveAll(stranger));
  return {};
}

Status BlobPool::RemoveUnreferenced() {
  std::lock_guard lock(mu_);
  for (auto it = blobs_.begin(); it != blobs_.end();) {
    const auto blob = it++;
    if (blob->second.references == 0) Remove(blob);
  }
  return {};
}

void BlobPool::Remove(Blobs::iterator blob) {
  ::unlink(PathOf(blob->first).c_str());
  used_bytes_ -= blob->second.size;
  blobs_.erase(blob);
}

Status BlobPool::Adopt(const std::string& path, const FileContent& content) {
  if (::chmod(path.c_str(), ModeOf(content)) != 0) return OsError(errno, "sealing", path);
  const std::string name = Name(content);
  std::lock_guard lock(mu_);
  const auto found = blobs_.find(name);
  if (found != blobs_.end()) {
    ++found->second.references;
    ::unlink(path.c_str());
    return {};
  }
  SARAI_CHECK_OK(MakeDirectory(directory_ + '/' + name.substr(0, 2)));
  SARAI_CHECK_OK(Rename(path, PathOf(name)));
  blobs_[name] = {.size = content.size, .references = 1};
  used_bytes_ += content.size;
  return {};
}

Status BlobPool::Reference(const FileContent& content) {
  std::lock_guard lock(mu_);
  const auto found = blobs_.find(Name(content));
  if (found == blobs_.end()) {
    return MakeStatus(Code::kNotFound, "no blob {} in the disk tier", content.sha256);
  }
  ++found->second.references;
  return {};
}

void BlobPool::Release(const FileContent& content) {
  std::lock_guard lock(mu_);
  const auto found = blobs_.find(Name(content));
  if (found != blobs_.end() && --found->second.references <= 0) Remove(found);
}

Status BlobPool::LinkTo(const FileContent& content, const std::string& path) const {
  const std::string blob = PathOf(Name(content));
  if (content.size == 0) return MakeCopy(blob, content, path);
  if (::link(blob.c_str(), path.c_str()) == 0) return {};
  if (errno == EMLINK) return MakeCopy(blob, content, path);
  return OsError(errno, "linking", path);
}

bool BlobPool::Contains(const FileContent& content) const {
  std::lock_guard lock(mu_);
  const auto found = blobs_.find(Name(content));
  return found != blobs_.end() && found->second.size == content.size;
}

int BlobPool::references(const FileContent& content) const {
  std::lock_guard lock(mu_);
  const auto found = blobs_.find(Name(content));
  return found == blobs_.end() ? 0 : found->second.references;
}

uint64_t BlobPool::used_bytes() const {
  std::lock_guard lock(mu_);
  return used_bytes_;
}

}  // namespace sarai::store
